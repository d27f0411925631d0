"""Building blocks: functions that return resources which are secure as they come. Only a layer's `build` adds them."""
