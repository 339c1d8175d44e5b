"""Pairs of question and answer: how they fall apart, and environments made from them."""
