"""Photos to faces: decode, detect, align, embed, judge the quality, cut out."""
