"""One module for each kind of page; `app.web.routes` puts them together."""
