"""Jobs that tell people apart: cluster, train, tag, tune, audit, identify, verify."""
