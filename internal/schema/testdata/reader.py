#!/usr/bin/env python3
"""Reads idxdb files. Written from FORMAT.md alone, to show that it suffices.

    reader.py FILE list                       keys, one JSON object a line
    reader.py FILE log KEY                    versions, newest first
    reader.py FILE load KEY NUMBER state|search   the document, on stdout
"""
import hashlib, json, shutil, sqlite3, subprocess, sys, tempfile

ZSTD_HEADER = bytes.fromhex("28b52ffd0050")


def fail(what):
    sys.exit("reader.py: damaged: " + what)


def checksum(table, *fields):
    out = b""
    for f in (table,) + fields:
        if f is None:
            out += b"n"
        elif isinstance(f, int):
            out += b"i" + f.to_bytes(8, "big", signed=True)
        else:
            kind, raw = (b"t", f.encode()) if isinstance(f, str) else (b"b", bytes(f))
            out += kind + len(raw).to_bytes(4, "big") + raw
    return hashlib.sha256(out).digest()[:8]


def name_hash(name):
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return value, at


def chunk_ids(manifest):
    body, check = manifest[:-8], manifest[-8:]
    if hashlib.sha256(body).digest()[:8] != check:
        fail("manifest")
    at = end = 0
    while at < len(body):
        z, at = varint(body, at)
        n, at = varint(body, at)
        first = end + (z >> 1 if z & 1 == 0 else -(z + 1 >> 1))
        end = first + n
        yield from range(first, end)


def lz4(data, size):
    out, at = bytearray(), 0

    def length(n, at):
        while n >= 15 and (n - 15) % 255 == 0:  # more bytes follow
            n, at = n + data[at], at + 1
            if data[at - 1] != 255:
                break
        return n, at

    while at < len(data):
        token, at = data[at], at + 1
        n, at = length(token >> 4, at)
        out += data[at : at + n]
        at += n
        if at == len(data):
            break
        offset, at = data[at] | data[at + 1] << 8, at + 2
        n, at = length(token & 15, at)
        for _ in range(n + 4):
            out.append(out[-offset])
    return bytes(out)


def zstd(data, size):
    return zstd_frame(ZSTD_HEADER + data, size)


def zstd_frame(frame, size, base=b""):
    try:
        from compression import zstd as module  # Python 3.14
        return module.decompress(frame, module.ZstdDict(base, is_raw=True) if base else None)
    except ImportError:
        pass
    try:
        import zstandard
        raw = zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT) if base else None
        return zstandard.ZstdDecompressor(dict_data=raw).decompress(frame, max_output_size=size)
    except ImportError:
        pass
    if not shutil.which("zstd"):
        sys.exit("reader.py: needs Python 3.14, the zstandard module or the zstd command")
    with tempfile.NamedTemporaryFile() as file:
        file.write(base)
        file.flush()
        options = ["--patch-from=" + file.name, "--memory=64MB"] if base else []
        return subprocess.run(["zstd", "-d", "-q", "-c"] + options, input=frame, stdout=subprocess.PIPE, check=True).stdout


def frame_chunks(plain):
    count, at = varint(plain, 0)
    toc, id = [], 0
    for _ in range(count):
        z, at = varint(plain, at)
        size, at = varint(plain, at)
        id += z >> 1 if z & 1 == 0 else -(z + 1 >> 1)
        toc.append((id, size))
    chunks = {}
    for id, size in toc:
        chunks[id] = plain[at : at + size]
        at += size
    if at != len(plain):
        fail("frame")
    return chunks


def unpack(text, side):
    out, at, used = [], 0, 0
    while True:
        escape = text.find(1, at)
        if escape < 0:
            break
        n = text[escape + 1]
        out.append(text[at:escape])
        out.append(side[used : used + n].hex().encode() if n else b"\x01")
        used, at = used + n, escape + 2
    if used != len(side):
        fail("side stream")
    return b"".join(out) + text[at:]


def decode(codec, data, size):
    if codec == 1:
        return data
    expand = {2: lz4, 3: lz4, 4: zstd, 5: zstd}[codec]
    if codec in (2, 4):
        return expand(data, size)
    text_len, at = varint(data, 0)
    side_len, at = varint(data, at)
    side, rest = data[at : at + side_len], data[at + side_len :]
    return unpack(rest if len(rest) == text_len else expand(rest, text_len), side)


class File:
    def __init__(self, path):
        self.db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
        self.db.execute("BEGIN")
        if self.db.execute("PRAGMA application_id").fetchone()[0] != 0x6964784C:
            sys.exit("reader.py: not an idxdb file")
        row = self.db.execute("SELECT format, read_format, write_format, lineage, created_at, epoch, keys, key_set, checksum FROM meta").fetchone()
        if row[1] > 1:
            sys.exit("reader.py: the file needs a newer reader")
        version = self.db.execute("PRAGMA user_version").fetchone()[0]
        if checksum("meta", *row[:-1]) != row[-1] or not 1 <= row[1] <= row[2] <= row[0] == version:
            fail("meta")
        self.keys, self.key_set, self.frames = row[6], row[7], {}

    def list(self):
        count = together = 0
        rows = self.db.execute("SELECT id, name, name_hash, live, first, last, versions, fence, checksum FROM key ORDER BY name")
        for id, name, hash, live, first, last, versions, fence, check in rows:
            if checksum("key", id, name, name_hash(name), live, first, last, versions, fence) != check:
                fail("key %r" % name)
            if live:
                count, together = count + 1, together ^ hash
                yield {"id": id, "key": name, "first": first, "last": last, "versions": versions}
        if (count, together) != (self.keys, self.key_set):
            fail("list of keys")

    def log(self, key):
        key = next(k for k in self.list() if k["key"] == key)
        columns = "id, key_id, number, save_id, saved_at, user, host, program, message, source_type, source_identifier, source_ref, source_synced_at, state_size, state_digest, search_size, search_digest"
        rows = self.db.execute("SELECT checksum, %s FROM version WHERE key_id = ? AND number >= ? ORDER BY number DESC" % columns, (key["id"], key["first"])).fetchall()
        for row in rows:
            if checksum("version", *row[2:]) != row[0]:
                fail("version")
        if len(rows) != key["versions"] or rows[0][3] != key["last"]:
            fail("list of versions")
        return [dict(zip(columns.split(", "), row[1:])) for row in rows]

    def whole(self, id):
        row = self.db.execute("SELECT hash, size, codec, data FROM chunk WHERE id = ?", (id,)).fetchone()
        if row is None:
            return None
        hash, size, codec, data = row
        raw = decode(codec, data, size)
        if len(raw) != size or hashlib.sha256(raw).digest() != hash:
            fail("chunk %d" % id)
        return raw, hash

    def packed(self, id):
        first, count, frame = self.db.execute("SELECT first, count, frame_id FROM packed WHERE first <= ? ORDER BY first DESC LIMIT 1", (id,)).fetchone()
        if id >= first + count:
            fail("chunk %d is missing" % id)
        if frame not in self.frames:  # one at a time is enough, if this were not to be short
            chunks, size, base, data = self.db.execute("SELECT chunks, size, base, data FROM frame WHERE id = ?", (frame,)).fetchone()
            plain = zstd_frame(data, size, b"".join(self.whole(id)[0] for id in chunk_ids(base)))
            self.frames[frame] = frame_chunks(plain)
            if len(plain) != size or len(self.frames[frame]) != chunks:
                fail("frame %d" % frame)
        raw = self.frames[frame][id]
        return raw, hashlib.sha256(raw).digest()

    def load(self, key, number, doc):
        version = next(v for v in self.log(key) if v["number"] == number)
        manifest = self.db.execute("SELECT %s_chunks FROM manifest WHERE version_id = ?" % doc, (version["id"],)).fetchone()[0]
        digest, total = hashlib.sha256(), 0
        for id in chunk_ids(manifest):
            raw, hash = self.whole(id) or self.packed(id)
            digest.update(len(raw).to_bytes(4, "big") + hash)
            total += len(raw)
            yield raw
        if total != version[doc + "_size"] or digest.digest() != version[doc + "_digest"]:
            fail("document")


def main(path, command, *args):
    f = File(path)
    if command == "list":
        for key in f.list():
            print(json.dumps(key, ensure_ascii=False))
    elif command == "log":
        for v in f.log(args[0]):
            v = {k: x.hex() if isinstance(x, bytes) else x for k, x in v.items()}
            print(json.dumps(v, ensure_ascii=False))
    elif command == "load":
        for raw in f.load(args[0], int(args[1]), args[2]):
            sys.stdout.buffer.write(raw)


if __name__ == "__main__":
    main(*sys.argv[1:])
