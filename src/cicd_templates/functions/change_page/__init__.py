"""Writes the page that shows the changes of a plan, of a pull request or of a release that waits for approval.

1. `rows` turns the plans of stacks into rows. Equal changes can share a row, and the worst changes come first.
2. `answers` writes the sentences at the top: what changes, what is lost, who gets more permissions, how long it takes.
3. `verdict` writes the line above these sentences, which says what needs a close look.
4. `word_difference` finds the words that differ between two values.
5. `row_contents` turns rows into the JSON that the page displays.
6. `page` combines the JSON, the sentences and the files `page.html`, `page.css` and `page.js`.

The page needs no network and no other file. Its texts come from AWS and from templates, so they are untrusted.
Therefore the script creates only text nodes, and a Content-Security-Policy allows exactly this script and this style
sheet.
"""
