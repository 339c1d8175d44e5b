"""Language models behind one seam: requests become validated objects, counted and kept."""
