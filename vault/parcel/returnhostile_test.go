//go:build long

package parcel_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"sourdine/vault/order"
	"sourdine/vault/parcel"
	"sourdine/vault/vaulttest"
)

// entries are the files of a return parcel.
func (p *returned) entries() []entry {
	all := []entry{file("return.json", p.Return), file("return.json.asc", p.ReturnSignature)}
	if p.Deletions != nil {
		all = append(all, file("deletions.json", p.Deletions), file("deletions.json.asc", p.DeletionsSignature))
	}
	for i, f := range parcel.ReturnFiles(p.order) {
		all = append(all, file(f.Name(), p.files[i]))
	}
	return all
}

// refuses checks that a return parcel is refused with want (any error when it is
// nil) and in words of our own.
func (p *returned) refuses(t *testing.T, name string, raw []byte, want error) {
	t.Helper()
	_, _, err := readReturn(bytes.NewReader(raw), p.lookup(t), 4096)
	switch {
	case err == nil:
		t.Errorf("%s: accepted", name)
		return
	case want != nil && !errors.Is(err, want):
		t.Errorf("%s: %v, want %v", name, err, want)
	}
	checkText(t, name, err)
}

// Every byte of a return parcel counts, padding and end mark too. Only in the
// signature of a v4 key are there bytes that may change without a change of
// meaning: package order lists them.
func TestEveryByteOfAReturnCounts(t *testing.T) {
	for name, kind := range returnKinds {
		p := newReturned(t, kind, []byte("envelope"), []byte("one reply"), []byte("another"))
		whole := p.bytes(t)
		masks := []byte{0x01, 0x20, 0x80}
		inSignature := func(at int) bool {
			begin := 512
			for _, f := range [][2][]byte{{p.Return, p.ReturnSignature}, {p.Deletions, p.DeletionsSignature}} {
				begin += (len(f[0])+511)/512*512 + 512
				if at >= begin && at < begin+len(f[1]) {
					return true
				}
				begin += (len(f[1])+511)/512*512 + 512
			}
			return false
		}
		step, excepted := map[string]int{"x25519": 1, "v4": 5, "post-quantum": 17}[name], 0
		for at := 0; at < len(whole); at += step {
			altered := bytes.Clone(whole)
			altered[at] ^= masks[at%len(masks)]
			orders, got, err := readReturn(bytes.NewReader(altered), p.lookup(t), 4096)
			switch {
			case err != nil:
				checkText(t, fmt.Sprintf("%s: byte %d", name, at), err)
			case !inSignature(at):
				t.Errorf("%s: byte %d (%#02x instead of %#02x) altered: accepted", name, at, altered[at], whole[at])
			case !bytes.Equal(orders, p.orders()) || !slices.Equal(got, p.expected()):
				t.Errorf("%s: byte %d altered: gave out something else", name, at)
			default:
				excepted++
			}
		}
		t.Logf("%s: %d bytes, %d of them may change in one way", name, len(whole), excepted)
		if name != "v4" && excepted > 0 || excepted > 2*8 {
			t.Errorf("%s: %d bytes may change", name, excepted)
		}
	}
}

func TestReturnCutAnywhere(t *testing.T) {
	p := newReturned(t, vaulttest.X25519, []byte("envelope"), random(700), random(512))
	whole := p.bytes(t)
	for n := range whole {
		if n%512 != 0 && n%7 != 3 && n < len(whole)-1100 {
			continue
		}
		_, _, err := readReturn(bytes.NewReader(whole[:n]), p.lookup(t), 4096)
		switch {
		case err == nil:
			t.Errorf("cut to %d of %d bytes: accepted", n, len(whole))
		case n >= 512 && !errors.Is(err, parcel.ErrReturnTruncated):
			t.Errorf("cut to %d of %d bytes: %v", n, len(whole), err)
		case n < 512 && err.Error() != "the file is not a Sourdine return parcel":
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}

// A stick that cannot be read is told from a parcel that is cut off.
func TestReturnMediumFails(t *testing.T) {
	p := newReturned(t, vaulttest.X25519, random(700))
	whole := p.bytes(t)
	for n := 0; n <= len(whole); n += 101 {
		medium := io.MultiReader(bytes.NewReader(whole[:n]), iotest.ErrReader(errFull))
		if _, _, err := readReturn(medium, p.lookup(t), 4096); !errors.Is(err, errFull) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
	medium := io.MultiReader(bytes.NewReader(whole), iotest.ErrReader(errFull))
	if _, _, err := readReturn(medium, p.lookup(t), 4096); !errors.Is(err, errFull) {
		t.Errorf("at the end: %v", err)
	}
}

func TestReturnOtherFiles(t *testing.T) {
	p := newReturned(t, vaulttest.X25519, []byte("envelope"), []byte("reply"))
	files := p.entries()
	extras := []entry{
		file("replies/2.pgp", []byte(marker)), file("envelopes/aaaaaaaaaaaaaaaaaaaaaaaaaa.pgp", nil),
		file("../../"+marker, nil), file("/etc/passwd", nil), files[0], files[1], files[2],
		{Header: tar.Header{Typeflag: tar.TypeDir, Name: "replies/", Mode: 0o700}},
		{Header: tar.Header{Typeflag: tar.TypeSymlink, Name: "replies/1.pgp", Linkname: "/etc/passwd"}},
		{Header: tar.Header{Typeflag: tar.TypeLink, Name: "replies/1.pgp", Linkname: "return.json"}},
	}
	for at := range len(files) + 1 {
		for n, extra := range extras {
			p.refuses(t, fmt.Sprintf("extra %d at %d", n, at), pack(t, slices.Insert(slices.Clone(files), at, extra)...), nil)
			if at < len(files) && !(n-4 == at) {
				replaced := slices.Clone(files)
				replaced[at] = extra
				p.refuses(t, fmt.Sprintf("extra %d for %d", n, at), pack(t, replaced...), nil)
			}
		}
		if at == len(files) {
			continue
		}
		p.refuses(t, fmt.Sprintf("without file %d", at), pack(t, slices.Delete(slices.Clone(files), at, at+1)...), nil)
		for other := range at {
			swapped := slices.Clone(files)
			swapped[at], swapped[other] = swapped[other], swapped[at]
			p.refuses(t, fmt.Sprintf("%d and %d swapped", at, other), pack(t, swapped...), nil)
		}
	}
	whole := pack(t, files...)
	if !bytes.Equal(whole, p.bytes(t)) {
		t.Fatal("packed in another way than WriteReturn does")
	}
	p.refuses(t, "something behind", append(bytes.Clone(whole), 0), parcel.ErrReturnAltered)
	p.refuses(t, "itself behind", append(bytes.Clone(whole), whole...), parcel.ErrReturnAltered)
	p.refuses(t, "filled up as tar does", append(bytes.Clone(whole), make([]byte, 10240-len(whole)%10240)...), parcel.ErrReturnAltered)
}

func TestReturnOtherHeaders(t *testing.T) {
	p := newReturned(t, vaulttest.X25519, []byte("envelope"), []byte("reply"))
	files := p.entries()
	for at, f := range files {
		for name, change := range map[string]func(*tar.Header){
			"mode": func(h *tar.Header) { h.Mode = 0o755 }, "owner": func(h *tar.Header) { h.Uid = 1000 },
			"owner's name": func(h *tar.Header) { h.Uname = "EVIL" }, "time": func(h *tar.Header) { h.ModTime = time.Unix(1, 0) },
			"comment": func(h *tar.Header) { h.PAXRecords = map[string]string{"comment": marker} },
			"name":    func(h *tar.Header) { h.Name = "./" + h.Name },
			"GNU":     func(h *tar.Header) { h.Format = tar.FormatGNU },
		} {
			altered := slices.Clone(files)
			change(&altered[at].Header)
			p.refuses(t, fmt.Sprintf("%s of file %d", name, at), pack(t, altered...), nil)
		}
		whole := pack(t, files...)
		header := bytes.Index(whole, rawHeader(f.Name, tar.TypeReg, len(f.body))[:100])
		for name, size := range map[string]string{
			"negative": "-0000000001", "blank": "           ", "not octal": "99999999999", "in base 256": "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",
			"of 8 GiB": "77777777777", "one more": fmt.Sprintf("%011o", len(f.body)+1), "one less": fmt.Sprintf("%011o", len(f.body)-1),
		} {
			altered := bytes.Clone(whole)
			copy(altered[header+124:], size)
			checksummed(altered[header:])
			p.refuses(t, fmt.Sprintf("size of file %d: %s", at, name), altered, nil)
		}
	}
}

func TestReturnTooLarge(t *testing.T) {
	p := newReturned(t, vaulttest.X25519)
	p.refuses(t, "return.json", rawHeader("return.json", tar.TypeReg, order.MaxReturn+1), nil)
	p.refuses(t, "return.json of 8 GiB", rawHeader("return.json", tar.TypeReg, 8<<30-1), nil)
	p.refuses(t, "return.json.asc", pack(t, p.entries()[0], file("return.json.asc", make([]byte, order.MaxSignature+1))), nil)
	before := pack(t, p.entries()[:2]...)
	before = before[:len(before)-1024]
	p.refuses(t, "deletions.json", append(before, rawHeader("deletions.json", tar.TypeReg, order.MaxDeletions+1)...), nil)
	p.refuses(t, "deletions.json.asc", pack(t, append(p.entries()[:3], file("deletions.json.asc", make([]byte, order.MaxSignature+1)))...), nil)
}

// The other parcel, and files that are none.
func TestNotAReturn(t *testing.T) {
	p := newReturned(t, vaulttest.X25519)
	for name, c := range map[string]struct {
		raw []byte
		why string
	}{
		"an outbound parcel": {pack(t, file("parcel.note", []byte(marker))), "the parcel is one from a server to a desk, not a return parcel"},
		"empty":              {nil, "the file is not a Sourdine return parcel"},
		"text":               {bytes.Repeat([]byte(marker), 100), "the file is not a Sourdine return parcel"},
		"zeros":              {make([]byte, 10240), "the file is not a Sourdine return parcel"},
		"another tar":        {pack(t, file("README", []byte(marker))), "the file is not a Sourdine return parcel"},
		"without an order":   {pack(t, file("return.json", nil)), "return.json is not in the form of an order"},
		"of a later version": {pack(t, file("return.json", []byte(`{"version":2,"evil":1}`))), "return.json has version 2, this program knows 1"},
	} {
		if _, _, err := readReturn(bytes.NewReader(c.raw), p.lookup(t), 4096); err == nil || err.Error() != c.why {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReturnOfOthers(t *testing.T) {
	p, other := newReturned(t, vaulttest.X25519), newReturned(t, vaulttest.X25519)
	p.refuses(t, "by a stranger", other.bytes(t), errStranger)
	forged := p.entries()
	forged[1] = file("return.json.asc", other.ReturnSignature)
	p.refuses(t, "signed by another", pack(t, forged...), order.ErrOtherKey)
	forged[1] = file("return.json.asc", append(bytes.Clone(p.ReturnSignature), p.ReturnSignature...))
	p.refuses(t, "signed twice", pack(t, forged...), nil)

	// For another server: nobody's certificate is asked for.
	p.order.VaultKey = fixedKey(2).public
	p.sign(t)
	asked := func(string) ([]byte, error) { t.Error("asked for a certificate"); return nil, nil }
	if _, _, err := readReturn(bytes.NewReader(p.bytes(t)), asked, 4096); !errors.Is(err, order.ErrOtherVault) {
		t.Errorf("for another server: %v", err)
	}
	// With a key that has expired since.
	now := time.Now().AddDate(0, -6, 0)
	short := vaulttest.X25519
	short.Time, short.KeyLifetimeSecs = func() time.Time { return now }, 30*24*3600
	expired := &returned{key: vaulttest.NewKey(t, short)}
	expired.order = &order.Return{VaultKey: fixedKey(1).public, Reviewer: fmt.Sprintf("%X", expired.key.Entity.PrimaryKey.Fingerprint), Sequence: 1}
	var err error
	if expired.Signed, err = expired.order.Sign(nil, expired.key.Entity, now.AddDate(0, 0, 2)); err != nil {
		t.Fatal(err)
	}
	expired.refuses(t, "by an expired key", expired.bytes(t), order.ErrKeyExpired)
}

// Deletions that are not those of the order: nothing of the parcel is given out.
func TestReturnOfOtherDeletions(t *testing.T) {
	p, other := newReturned(t, vaulttest.X25519, []byte("envelope"), []byte("reply")), newReturned(t, vaulttest.X25519)
	later := *p
	next := *p.order
	next.Sequence++
	later.order = &next
	later.sign(t)
	for name, c := range map[string]struct {
		change func(files []entry) []entry
		want   error
	}{
		"missing":               {func(f []entry) []entry { return slices.Delete(f, 2, 4) }, parcel.ErrReturnAltered},
		"unsigned":              {func(f []entry) []entry { return slices.Delete(f, 3, 4) }, parcel.ErrReturnAltered},
		"of another order":      {func(f []entry) []entry { f[2], f[3] = later.entries()[2], later.entries()[3]; return f }, parcel.ErrReturnAltered},
		"of another reviewer":   {func(f []entry) []entry { f[2], f[3] = other.entries()[2], other.entries()[3]; return f }, parcel.ErrReturnAltered},
		"signed by another":     {func(f []entry) []entry { f[3] = file("deletions.json.asc", other.DeletionsSignature); return f }, order.ErrOtherKey},
		"signed with the order": {func(f []entry) []entry { f[3] = file("deletions.json.asc", p.ReturnSignature); return f }, order.ErrAltered},
		"behind the files":      {func(f []entry) []entry { return slices.Concat(f[:2], f[4:], f[2:4]) }, parcel.ErrReturnAltered},
		"before the order":      {func(f []entry) []entry { return slices.Concat(f[2:4], f[:2], f[4:]) }, nil},
		"for the order": {func(f []entry) []entry {
			f[0], f[1] = file("return.json", f[2].body), file("return.json.asc", f[3].body)
			return f
		}, nil},
	} {
		p.refuses(t, name, pack(t, c.change(p.entries())...), c.want)
	}
	// There, and not named.
	unnamed := *p
	unnamed.deletions = nil
	unnamed.sign(t)
	files := slices.Insert(unnamed.entries(), 2, p.entries()[2:4]...)
	unnamed.refuses(t, "not named", pack(t, files...), parcel.ErrReturnAltered)
	unnamed.refuses(t, "not named, behind", pack(t, append(unnamed.entries(), p.entries()[2:4]...)...), parcel.ErrReturnAltered)
	// Those of the order before, which this one names: only a desk's own fault.
	again := later
	next.Deletions = fmt.Sprintf("%x", sha256.Sum256(p.Deletions))
	again.Deletions, again.DeletionsSignature = p.Deletions, p.DeletionsSignature
	var err error
	if again.Return, err = next.Encode(); err != nil {
		t.Fatal(err)
	}
	if again.ReturnSignature, err = order.Sign(again.Return, p.key.Entity, time.Now()); err != nil {
		t.Fatal(err)
	}
	again.refuses(t, "used again", pack(t, again.entries()...), nil)
	if err := parcel.WriteReturn(ctx, io.Discard, again.Signed, again.open()); err == nil {
		t.Error("wrote what a server refuses")
	}
}

// FuzzReadReturn: what is accepted is written the same, byte by byte.
func FuzzReadReturn(f *testing.F) {
	p := &returned{key: vaulttest.FixedKey(f)}
	p.fill(f, []byte("envelope"), []byte("reply"))
	whole := p.bytes(f)
	f.Add(whole)
	f.Add(whole[:len(whole)-1024])
	f.Add(pack(f, p.entries()[:2]...))
	f.Add(pack(f, append(p.entries()[:2], p.entries()[4:]...)...))
	f.Add(pack(f, append(p.entries(), file("extra", nil))...))
	f.Add(pack(f, file("parcel.note", []byte("note"))))
	empty := &returned{key: p.key}
	empty.fill(f)
	f.Add(empty.bytes(f))
	f.Fuzz(func(t *testing.T, raw []byte) {
		contents, r, err := readContents(raw, p.lookup(t))
		if err != nil {
			checkText(t, "return parcel", err)
			return
		}
		var again bytes.Buffer
		err = parcel.WriteReturn(ctx, &again, r.Signed(), func(file parcel.ReturnFile) (io.Reader, error) {
			return bytes.NewReader(contents[file.Name()]), nil
		})
		if err != nil || !bytes.Equal(again.Bytes(), raw) {
			t.Fatalf("accepted, and written as another: %v", err)
		}
	})
}

func readContents(raw []byte, lookup func(string) ([]byte, error)) (map[string][]byte, *parcel.ReturnReader, error) {
	r, err := parcel.ReadReturn(bytes.NewReader(raw), fixedKey(1).public, lookup, time.Now())
	if err != nil {
		return nil, nil, err
	}
	contents := map[string][]byte{}
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			return contents, r, nil
		}
		if err != nil {
			return nil, nil, err
		}
		if contents[f.Name()], err = io.ReadAll(r); err != nil {
			return nil, nil, err
		}
	}
}
