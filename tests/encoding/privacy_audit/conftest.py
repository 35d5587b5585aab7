from rigs.audited import children, pair, scene, students

__all__ = ["children", "pair", "scene", "students"]
