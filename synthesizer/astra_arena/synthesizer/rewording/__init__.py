"""Questions in other words: a model phrases them anew, and rules see that they ask the same."""
