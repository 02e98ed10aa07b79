package parcel_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"

	"sourdine/vault"
	"sourdine/vault/parcel"
	"sourdine/vault/vaulttest"
)

// However small an index may be, every submission is carried by one parcel, and
// every parcel is one that a desk accepts: uploads of many empty files cannot
// stop what comes after them.
func TestParts(t *testing.T) {
	v := vaulttest.NewVault(t)
	var all []string
	for n := range 20 {
		files := make([][]byte, 1+n*n%90) // some have many empty files
		files[0] = random(n * 1000)
		all = append(all, submit(t, v, "Nice <№1> & \u2028", random(1+n*n), files...).String())
	}
	key := fixedKey(1)
	for _, limit := range []int{1, 1000, 5000, 8000, 20_000, 64 << 20} {
		parts, err := parcel.PartsLimited(v, limit)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for n, after := range parts {
			var b bytes.Buffer
			part, err := parcel.WriteLimited(ctx, &b, v, key.secret, after, limit)
			if err != nil {
				t.Fatal(err)
			}
			r, err := parcel.Open(bytes.NewReader(b.Bytes()), trustAll)
			if err != nil {
				t.Fatal(err)
			}
			if want, err := json.Marshal(r.Index()); err != nil || indexSize(t, b.Bytes()) != len(want) || !bytes.Contains(b.Bytes(), want) {
				t.Errorf("limit %d, part %d: the index is not the JSON of what it says, %v", limit, n, err)
			}
			for _, s := range r.Index().Submissions {
				got = append(got, s.ID)
			}
			if files, err := read(b.Bytes()); err != nil || len(files) < 2*len(r.Index().Submissions) {
				t.Errorf("limit %d, part %d: %d files, %v", limit, n, len(files), err)
			}
			if part.Left != len(all)-len(got) || part.Last.String() != got[len(got)-1] || len(r.Index().Submissions) == 0 {
				t.Errorf("limit %d, part %d: %d left, last %s", limit, n, part.Left, part.Last)
			}
			if size := indexSize(t, b.Bytes()); size > limit && len(r.Index().Submissions) > 1 {
				t.Errorf("limit %d, part %d: an index of %d bytes", limit, n, size)
			}
			if part.Left > 0 && part.Last != parts[n+1] {
				t.Errorf("limit %d: Parts cuts after %s, Write after %s", limit, parts[n+1], part.Last)
			}
		}
		t.Logf("limit %d: %d parcels", limit, len(parts))
		if len(got) != len(all) || !sameSet(got, all) {
			t.Errorf("limit %d: %d submissions in %d parcels, want %d", limit, len(got), len(parts), len(all))
		}
	}
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// indexSize is the length of a parcel's index.json.
func indexSize(t *testing.T, p []byte) int {
	t.Helper()
	rest := strictTar{t, p}
	rest.next("parcel.note")
	return len(rest.next("index.json"))
}

// After the last submission there is nothing, and that is a parcel too.
func TestAfterTheLast(t *testing.T) {
	v := vaulttest.NewVault(t)
	if parts, err := parcel.Parts(v); err != nil || len(parts) != 1 {
		t.Errorf("of nothing: %v, %v", parts, err)
	}
	id := submit(t, v, "Nice", []byte("e"), []byte("m"))
	var b bytes.Buffer
	part, err := parcel.WriteAfter(ctx, &b, v, fixedKey(1).secret, id)
	if err != nil || part.Left != 0 || part.Last != (vault.ID{}) {
		t.Errorf("%+v, %v", part, err)
	}
	if got, err := read(b.Bytes()); err != nil || len(got) != 0 {
		t.Errorf("%d files, %v", len(got), err)
	}
	if _, err := parcel.WriteAfter(ctx, &fullAfter{0}, v, fixedKey(1).secret, id); !errors.Is(err, errFull) {
		t.Error(err)
	}
	if _, err := parcel.WriteAfter(ctx, io.Discard, v, "", id); err == nil {
		t.Error("written without a key")
	}
}
