"""What tables mean: keys, references, names; and the tools that read them."""
