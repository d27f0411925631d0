"""Shows plans on the page of `functions.change_page`, for the person who reviews them. Does not call AWS.

1. `folding` turns plans into rows. Equal changes of several services and environments share a row.
2. `contents` turns plans and rows into the JSON that the page displays, with drift and notes about whole stacks.
3. `page` writes the page to `<plan>.html`.

This package only displays plans. It makes no decisions about them.
"""
