"""The database: one SQLite file through sqlite-utils, and the only room that speaks SQL."""
