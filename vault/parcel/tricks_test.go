package parcel_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"testing"

	"sourdine/vault/parcel"
)

// header is the block, or blocks, before a file of that size.
func header(t testing.TB, name string, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := tar.NewWriter(&b).WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// rawHeader writes a ustar header of any type, without the checks of a
// decent writer.
func rawHeader(name string, kind byte, size int) []byte {
	b := make([]byte, 512)
	copy(b, name)
	copy(b[100:], "0000600\x000000000\x000000000\x00")
	copy(b[124:], fmt.Sprintf("%011o\x0000000000000\x00        ", size))
	b[156] = kind
	copy(b[257:], "ustar\x0000")
	sum := 0
	for _, c := range b {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	return b
}

func rawFile(name string, kind byte, body []byte) []byte {
	b := append(rawHeader(name, kind, len(body)), body...)
	return append(b, make([]byte, (512-len(body)%512)%512)...)
}

// records encodes PAX records.
func records(pairs ...string) []byte {
	var b []byte
	for i := 0; i < len(pairs); i += 2 {
		rest := " " + pairs[i] + "=" + pairs[i+1] + "\n"
		n := len(rest) + 1
		for n != len(rest)+len(strconv.Itoa(n)) {
			n = len(rest) + len(strconv.Itoa(n))
		}
		b = append(b, strconv.Itoa(n)+rest...)
	}
	return b
}

// rawParcel is the small parcel with something written before a file of it, and
// with that file's own bytes replaced when own is not nil.
func rawParcel(t *testing.T, at int, before, own []byte) []byte {
	t.Helper()
	var b []byte
	for i, e := range smallFiles(t, fixedKey(1)) {
		if i == at {
			b = append(b, before...)
		}
		if i == at && own != nil {
			b = append(b, own...)
			continue
		}
		b = append(b, rawFile(e.Name, tar.TypeReg, e.body)...)
	}
	return append(b, make([]byte, 1024)...)
}

// Extension headers change what stands in a tar behind the back of who looks
// at its blocks. None is taken, before whichever file.
func TestExtensionHeaders(t *testing.T) {
	files := smallFiles(t, fixedKey(1))
	if _, err := read(rawParcel(t, -1, nil, nil)); err != nil {
		t.Fatalf("without any: %v", err)
	}
	for at, f := range files {
		size := fmt.Sprint(len(f.body))
		for name, before := range map[string][]byte{
			"comment":        rawFile("x", tar.TypeXHeader, records("comment", marker)),
			"the same path":  rawFile("x", tar.TypeXHeader, records("path", f.Name)),
			"the same size":  rawFile("x", tar.TypeXHeader, records("size", size)),
			"owner":          rawFile("x", tar.TypeXHeader, records("uname", marker)),
			"empty":          rawFile("x", tar.TypeXHeader, nil),
			"broken":         rawFile("x", tar.TypeXHeader, []byte("99 path="+marker)),
			"huge":           rawFile("x", tar.TypeXHeader, make([]byte, 2<<20)),
			"global":         rawFile("x", tar.TypeXGlobalHeader, records("path", f.Name)),
			"sparse 0.1":     rawFile("x", tar.TypeXHeader, records("GNU.sparse.major", "0", "GNU.sparse.minor", "1", "GNU.sparse.size", size, "GNU.sparse.numblocks", "1", "GNU.sparse.map", "0,"+size)),
			"sparse 1.0":     rawFile("x", tar.TypeXHeader, records("GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.realsize", size, "GNU.sparse.name", f.Name)),
			"long name":      rawFile("././@LongLink", tar.TypeGNULongName, []byte(f.Name+"\x00")),
			"long link":      rawFile("././@LongLink", tar.TypeGNULongLink, []byte(marker+"\x00")),
			"volume label":   rawFile(f.Name, 'V', nil),
			"a type unknown": rawFile(f.Name, 'Z', nil),
		} {
			refuses(t, fmt.Sprintf("%s before file %d", name, at), rawParcel(t, at, before, nil), nil)
		}
		for _, kind := range []byte{tar.TypeGNUSparse, tar.TypeCont, 'A', 'D', 'N', 'S', 0x80} {
			refuses(t, fmt.Sprintf("file %d of type %q", at, kind), rawParcel(t, at, nil, rawFile(f.Name, kind, f.body)), nil)
		}
		old := rawFile(f.Name, tar.TypeReg, f.body)
		copy(old[257:], make([]byte, 8))
		refuses(t, fmt.Sprintf("file %d with a header of Unix v7", at), rawParcel(t, at, nil, checksummed(old)), nil)
		gnu := rawFile(f.Name, tar.TypeReg, f.body)
		copy(gnu[257:], "ustar  \x00")
		refuses(t, fmt.Sprintf("file %d with a header of GNU tar", at), rawParcel(t, at, nil, checksummed(gnu)), nil)
	}
}

func checksummed(b []byte) []byte {
	copy(b[148:], "        ")
	sum := 0
	for _, c := range b[:512] {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	return b
}

// A name that ustar cuts in two is one name; Write never needs that.
func TestPrefixedName(t *testing.T) {
	files := smallFiles(t, fixedKey(1))
	f := files[firstSealed]
	own := rawFile(f.Name[len("submissions/"):], tar.TypeReg, f.body)
	copy(own[345:], "submissions")
	got, err := read(rawParcel(t, firstSealed, nil, checksummed(own)))
	whole, _ := read(pack(t, files...))
	if err != nil || !slices.Equal(got, whole) {
		t.Errorf("%d files, %v", len(got), err)
	}
	own = rawFile(f.Name, tar.TypeReg, f.body)
	copy(own[345:], "../..")
	refuses(t, "another prefix", rawParcel(t, firstSealed, nil, checksummed(own)), parcel.ErrAltered)
}

// FuzzReader: whatever is accepted reads the same at any step, and holds, for
// those who open it by hand with tar, the very same files and no other.
func FuzzReader(f *testing.F) {
	files := smallFiles(f, fixedKey(1))
	whole := pack(f, files...)
	f.Add(whole)
	f.Add(whole[:len(whole)-1024])
	f.Add(pack(f, files[:2]...))
	f.Add(pack(f, append(slices.Clone(files), file("extra", nil))...))
	f.Add(pack(f, signedIndex(f, fixedKey(2), []byte(index()))...))
	f.Add(pack(f, append(signedIndex(f, fixedKey(2), []byte(index())), emptyLog()...)...))
	f.Add(pack(f, files[:firstSealed]...))
	f.Add(append(rawFile("x", tar.TypeXHeader, records("path", "parcel.note")), whole...))
	f.Add(append(slices.Clone(whole), whole...))
	f.Fuzz(func(t *testing.T, p []byte) {
		got, err := readAll(bytes.NewReader(p), trustAll, 4096)
		if err != nil {
			checkText(t, "parcel", err)
		}
		again, errAgain := readAll(bytes.NewReader(p), trustAll, 1)
		if !slices.Equal(got, again) || fmt.Sprint(err) != fmt.Sprint(errAgain) {
			t.Fatalf("byte by byte it gave %d files and %v, else %d and %v", len(again), errAgain, len(got), err)
		}
		if err == nil {
			checkByHand(t, p, got)
		}
	})
}

// checkByHand unpacks p with the standard library's tar.
func checkByHand(t *testing.T, p []byte, want []given) {
	t.Helper()
	r := tar.NewReader(bytes.NewReader(p))
	names := []string{"parcel.note", "index.json"}
	for n := 0; ; n++ {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			if n != len(want)+len(names) {
				t.Fatalf("tar has %d files, the reader gave %d", n, len(want))
			}
			return
		}
		body, errBody := io.ReadAll(r)
		if err != nil || errBody != nil || header.Typeflag != tar.TypeReg {
			t.Fatalf("tar's file %d: type %c, %v, %v", n, header.Typeflag, err, errBody)
		}
		if n < len(names) && header.Name != names[n] {
			t.Fatalf("tar's file %d is %q", n, header.Name)
		}
		if n >= len(names) && (given{header.Name, sha256.Sum256(body)}) != want[n-len(names)] {
			t.Fatalf("tar's file %d, %q, is not what the reader gave", n, header.Name)
		}
	}
}
