"""A corpus of good and of deliberately defective environments: do the gates tell them apart?"""
