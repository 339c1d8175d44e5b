"""Users' data becomes a world: databases and CSV files, read strictly, written one way."""
