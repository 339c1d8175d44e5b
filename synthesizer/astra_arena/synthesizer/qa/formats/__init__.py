"""Readers of the formats in which data sets of questions come."""
