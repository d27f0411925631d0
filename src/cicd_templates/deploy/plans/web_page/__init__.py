"""Shows plans on one static page, `<plan>.html`, for the person who reviews them. Decides nothing, calls no AWS.

1. `folding` turns plans into rows. Equal changes in several places share a row, and the worst changes come first.
2. `answers` has the sentences at the top: what changes, what is lost, who gets more permissions, how long it takes.
3. `word_difference` finds the words that differ between two values.
4. `contents` turns rows and answers into the JSON that the page displays.
5. `page` puts the JSON, the sentences and the files `page.html`, `page.css` and `page.js` together.

The page needs no network and no other file. Its texts come from AWS and from templates, so they are untrusted: the
script creates text nodes only, and a Content-Security-Policy allows exactly this script and this style sheet.
"""
