"""What harnesses and operators reach: episodes, verdicts and environments over HTTP."""
