package parcel_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sourdine/vault/parcel"
)

// carriesNothing lists the bytes of a tar that may change without changing
// anything that the format gives a meaning: what fills a file's last block,
// and, in a header, the two characters that end the checksum.
func carriesNothing(t *testing.T, p []byte) map[int]bool {
	t.Helper()
	const block, checksumEnd = 512, 154
	free := map[int]bool{}
	for at := 0; p[at] != 0; {
		var size int
		if _, err := fmt.Sscanf(string(p[at+124:at+135]), "%o", &size); err != nil {
			t.Fatal(err)
		}
		free[at+checksumEnd], free[at+checksumEnd+1] = true, true
		end := at + block + size
		at = (end + block - 1) / block * block
		for ; end < at; end++ {
			free[end] = true
		}
	}
	return free
}

func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	p := pack(t, tinyFiles(t)...)
	whole, err := read(p)
	if err != nil {
		t.Fatal(err)
	}
	free := carriesNothing(t, p)
	masks := []byte{0x01, 0x20, 0x80}
	for at := range p {
		altered := bytes.Clone(p)
		altered[at] ^= masks[at%len(masks)]
		got, err := read(altered)
		switch {
		case err != nil:
			checkText(t, fmt.Sprintf("byte %d", at), err)
		case !free[at]:
			t.Errorf("byte %d (%#02x instead of %#02x) altered: accepted", at, altered[at], p[at])
		case !slices.Equal(got, whole):
			t.Errorf("byte %d altered: gave out other files", at)
		}
	}
}

// Cut off anywhere before the last byte of its last file, a parcel is refused.
// What follows that byte, zeros and the mark that ends a tar, may be missing.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	files := tinyFiles(t)
	p := pack(t, files...)
	whole, err := read(p)
	if err != nil {
		t.Fatal(err)
	}
	noteEnd, lastByte := 512+len(files[0].body), len(p)-1024-512+len(files[len(files)-1].body)
	for n := mathrand.IntN(2); n < len(p); n += 2 {
		got, err := read(p[:n])
		switch {
		case err != nil && n >= noteEnd && !errors.Is(err, parcel.ErrTruncated):
			t.Errorf("cut to %d of %d: %v", n, len(p), err)
		case err == nil && (n < lastByte || !slices.Equal(got, whole)):
			t.Errorf("cut to %d of %d: accepted with %d files", n, len(p), len(got))
		}
	}
}

func TestOtherFiles(t *testing.T) {
	files := smallFiles(t, fixedKey(1))
	extras := []entry{
		file("rosters/"+goodDigest+".json", []byte(marker)), file("leaves.jsonl", nil), file("log", nil),
		file("submissions/aaaaaaaaaaaaaaaaaaaaaaaaaa/9.pgp", []byte(marker)), file("README", []byte(marker)),
		file("../../"+marker, nil), file("/etc/passwd", nil), files[0], files[1], files[2],
		{Header: tar.Header{Typeflag: tar.TypeDir, Name: "submissions/", Mode: 0o700}},
		{Header: tar.Header{Typeflag: tar.TypeSymlink, Name: "submissions/" + marker, Linkname: "/etc/passwd"}},
	}
	for at := range len(files) + 1 {
		for n, extra := range extras {
			refuses(t, fmt.Sprintf("extra %d at %d", n, at), pack(t, slices.Insert(slices.Clone(files), at, extra)...), nil)
		}
		if at == len(files) {
			break
		}
		refuses(t, fmt.Sprintf("file %d missing", at), pack(t, slices.Delete(slices.Clone(files), at, at+1)...), nil)
		refuses(t, fmt.Sprintf("file %d twice", at), pack(t, slices.Insert(slices.Clone(files), at, files[at])...), nil)
		for other := range at {
			swapped := slices.Clone(files)
			swapped[at], swapped[other] = swapped[other], swapped[at]
			refuses(t, fmt.Sprintf("files %d and %d exchanged", other, at), pack(t, swapped...), nil)
		}
	}
	last := pack(t, files[:len(files)-1]...)
	refuses(t, "last file missing", last, parcel.ErrTruncated)
	refuses(t, "extra file at the end", pack(t, append(slices.Clone(files), extras[0])...), parcel.ErrAltered)
}

// A file that is not a regular one, or is larger or smaller than the index
// says, is refused wherever it stands.
func TestOtherKinds(t *testing.T) {
	files := smallFiles(t, fixedKey(1))
	for at := range files {
		for _, kind := range []byte{tar.TypeLink, tar.TypeSymlink, tar.TypeChar, tar.TypeBlock, tar.TypeDir, tar.TypeFifo} {
			changed := slices.Clone(files)
			changed[at].Typeflag, changed[at].body, changed[at].Size = kind, nil, 0
			if kind == tar.TypeLink || kind == tar.TypeSymlink {
				changed[at].Linkname = "/etc/shadow"
			}
			refuses(t, fmt.Sprintf("file %d of type %c", at, kind), pack(t, changed...), nil)
		}
		for _, body := range [][]byte{nil, files[at].body[1:], append(bytes.Clone(files[at].body), 0)} {
			changed := slices.Clone(files)
			changed[at] = file(files[at].Name, body)
			refuses(t, fmt.Sprintf("file %d of %d bytes", at, len(body)), pack(t, changed...), nil)
		}
	}
	altered := slices.Clone(files)
	altered[firstSealed+1].body = []byte("MANIFEST")
	refuses(t, "other bytes of the same length", pack(t, altered...), parcel.ErrAltered)
}

// An error ends the Reader: it does not find its step again behind the place.
func TestErrorsAreFinal(t *testing.T) {
	files := smallFiles(t, fixedKey(1))
	p, err := parcel.Open(bytes.NewReader(pack(t, slices.Insert(files, 2, file("extra", nil))...)), trustAll)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := p.Next(); !errors.Is(err, parcel.ErrAltered) {
			t.Errorf("Next: %v", err)
		}
		if n, err := p.Read(make([]byte, 9)); n != 0 || !errors.Is(err, parcel.ErrAltered) {
			t.Errorf("Read: %d, %v", n, err)
		}
	}
}

func TestNotAParcel(t *testing.T) {
	for name, p := range map[string][]byte{
		"empty": nil, "text": []byte("bonjour " + marker), "zeros": make([]byte, 4096), "noise": random(4096),
		"empty tar": pack(t), "another tar": pack(t, file(marker, []byte("x"))), "only a note": pack(t, file("parcel.note", []byte(marker))),
		"an empty note": pack(t, file("parcel.note", nil)),
	} {
		_, err := read(p)
		if err == nil || err.Error() != "the file is not a Sourdine parcel" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the medium says is passed on: it is neither a cut nor an attack.
func TestMediumFails(t *testing.T) {
	p := pack(t, smallFiles(t, fixedKey(1))...)
	for n := 0; n < len(p)-1024; n += 100 {
		_, err := readAll(&failAfter{bytes.NewReader(p[:n])}, trustAll, 512)
		if !errors.Is(err, errMedium) || !strings.Contains(err.Error(), "failed to read the parcel: ") {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

var errMedium = errors.New("input/output error")

type failAfter struct{ r *bytes.Reader }

func (f *failAfter) Read(b []byte) (int, error) {
	if n, _ := f.r.Read(b); n > 0 {
		return n, nil
	}
	return 0, errMedium
}
