"""Shows plans to a reviewer, on the HTML page that `functions.change_page` defines. Does not call AWS.

1. `folding` turns plans into rows. Equal changes of several services and environments share a row.
2. `contents` turns plans and rows into the JSON that the page displays, with drift and notes about whole stacks.
3. `page` writes the page to `<plan>.html`.

This package only displays plans. It makes no decisions about them.
"""
