# Prints the digest of a source tree: `source_digest.sh SOURCE FOLDER`, where FOLDER is the service's folder in SOURCE.
#
# The digest is the SHA-256 of a list in four parts, each sorted by byte. Every name begins with `./`.
#   folders     the name of each folder
#   executable  the name of each file that its owner may execute
#   links       the SHA-256 of the text of each symbolic link, two spaces, and its name
#   files       the SHA-256 of the content of each file, two spaces, and its name
# So two trees have the same digest only if they have the same names, contents, links and executable files. Times,
# owners and other modes do not count, because they depend on the program that unpacked the source.
#
# A tree is refused if it cannot be listed in this way, or if a link in it leads out of it. A tool that follows such a
# link could copy a file of the build container, such as its environment, into a report.
#
# This is a script for any POSIX shell, because not every image of a check has Python.
set -eu
export LC_ALL=C
lists=/tmp/source_digest_lists
rm -rf "$lists"
mkdir "$lists"

# refuse LIST REASON: fails if LIST is not empty, and shows its first lines.
refuse() {
  if [ -s "$lists/$1" ]; then
    # Not echo: in some shells it reads a backslash.
    printf 'error: %s: %s\n' "$2" "$(head -n 3 "$lists/$1" | cut -c 1-200 | tr -c ' -~\n' '?' | tr '\n' ' ')" >&2
    exit 1
  fi
}

root=$(readlink -f "$1")
tree=$root
if [ "$2" != . ]; then tree=$root/$2; fi
if [ ! -d "$tree" ] || [ "$(readlink -f "$tree")" != "$tree" ]; then
  echo "error: the source has no folder $2, or reaches it by a link" >&2
  exit 1
fi
cd "$tree"

find . -name '*[[:cntrl:]\\]*' > "$lists/unclear"
refuse unclear "these names have a control character or a backslash, which programs read in different ways; rename them"
find . > "$lists/names"
cut -c 3001- < "$lists/names" | sed '/^$/d' > "$lists/long"
refuse long "a path in the source has more than 3,000 bytes, which tools cannot open; its end is"
find . ! -type d ! -type f ! -type l > "$lists/special"
refuse special "these are neither files nor folders nor links"
# Programs that call git take such a folder for a repository, and its configuration names programs that git runs.
find . -iname .git > "$lists/git"
find . -name HEAD > "$lists/heads"
while IFS= read -r head; do
  folder=${head%/*}
  if [ -e "$folder/commondir" ] || { [ -e "$folder/objects" ] && [ -e "$folder/refs" ]; }; then
    echo "$folder" >> "$lists/git"
  fi
done < "$lists/heads"
refuse git "this is a git repository, whose configuration can name programs to run; leave it out of the source"
find . -name '*.[pP][yY][cCoO]' > "$lists/compiled"
# No check reads a compiled program, whatever its name is. These begin with fixed bytes: programs for Linux (ELF), Java
# classes, WebAssembly, Lua and compiled scripts of Node.js. A module of CPython or PyPy begins with its version in two
# bytes, of which the second is no character of a text, and a line end of Windows.
find . -type f -name '*.so' -o -type f -name '*.so.[0-9]*' -o -type f -name '*.[pP][yY][dD]' \
  -o -type f -name '*.dylib' -o -type f -name '*.dll' > "$lists/binary"
find . -type f | tr '\n' '\0' | xargs -0 -r head -c 4 /dev/null /dev/null | tr '\000' '\001' > "$lists/beginnings"
name='/^==> / { name = substr($0, 5, length($0) - 8) }'
awk "$name"' /^(\177ELF|\312\376\272\276|\001asm|\033Lua|..\336\300)/ { print name }' "$lists/beginnings" \
  >> "$lists/binary"
awk "$name"' /^.[\001-\010\013-\037\353-\363]\r$/ { print name }' "$lists/beginnings" >> "$lists/compiled"
refuse compiled "this is compiled Python, which can run instead of the file that was checked; leave it out of the source"
refuse binary "no check reads a compiled program or library; build it in the Dockerfile or pin its package"
find . -type l > "$lists/link_names"
while IFS= read -r link; do
  target=$(readlink -f "$link") || target=
  case "$target" in
    "$tree" | "$tree"/*) ;;
    *) echo "$link" >> "$lists/outward" ;;
  esac
  echo "$(readlink -n "$link" | sha256sum | cut -c 1-64)  $link" >> "$lists/links"
done < "$lists/link_names"
refuse outward "these links lead out of the source, or nowhere"

touch "$lists/links"
find . -type d > "$lists/folders"
find . -type f -perm -100 > "$lists/executable"
find . -type f > "$lists/file_names"
tr '\n' '\0' < "$lists/file_names" | xargs -0 -r sha256sum > "$lists/files"
for part in folders executable links files; do
  echo "$part"
  sort "$lists/$part"
done > "$lists/tree"
sha256sum "$lists/tree" | cut -c 1-64
