"""The test suite; its folders mirror the parts, one test file per module."""
