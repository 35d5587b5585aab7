"""All tables of all slices in one place: migrations must know every one of them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import MetaData

# Each import adds its tables to the metadata.
from app.agencies import models as _agencies  # noqa: F401
from app.agreements import models as _agreements  # noqa: F401
from app.agreements import models as _holds  # noqa: F401
from app.db import Base
from app.deadlines import models as _deadlines  # noqa: F401
from app.decisions import models as _decisions  # noqa: F401
from app.deliveries import models as _deliveries  # noqa: F401
from app.denials import models as _denials  # noqa: F401
from app.destruction import models as _destruction  # noqa: F401
from app.links import models as _links  # noqa: F401
from app.matchlog import models as _matchlog  # noqa: F401
from app.matchlog import models as _triggers  # noqa: F401
from app.review import models as _review  # noqa: F401
from app.rounds import models as _rounds  # noqa: F401
from app.runs import models as _runs  # noqa: F401
from app.sealed import models as _sealed  # noqa: F401
from app.shares import models as _shares  # noqa: F401
from app.uploads import models as _uploads  # noqa: F401
from app.uploads import models as _withdrawals  # noqa: F401

ALL_TABLES: Final[MetaData] = Base.metadata
