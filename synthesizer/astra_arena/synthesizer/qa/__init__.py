"""Pairs of question and answer: what is known of them, how they fall apart, and environments from them."""
