"""Questions become environments with the help of a language model, stage by stage."""
