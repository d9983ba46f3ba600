"""Prints the members of a ZIP archive, after their contents were checked: name, method, bytes, stored bytes, day."""

import sys
import zipfile

with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    assert archive.read("words.txt") == b"some words" and archive.read("a.tif") == b"x" * 5000
    for member in archive.infolist():
        method = {zipfile.ZIP_STORED: "stored", zipfile.ZIP_DEFLATED: "deflated"}[member.compress_type]
        stored = member.compress_size if method == "stored" else "fewer"
        print(member.filename, method, member.file_size, stored, "{:04}-{:02}-{:02}".format(*member.date_time))
