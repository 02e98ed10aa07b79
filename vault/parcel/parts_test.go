package parcel_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"sourdine/vault"
	"sourdine/vault/parcel"
)

// However small an index or a stick may be, every submission is carried by one
// parcel, and every parcel is one that a desk accepts: uploads of many empty
// files cannot stop what comes after them.
func TestParts(t *testing.T) {
	v := newVault(t)
	const channel = "Nice <№1> & \"1\""
	alice := newReviewer(t)
	addChannel(t, v, channel, alice)
	var all []vault.ID
	for n := range 14 {
		files := make([][]byte, 1+n*n%90) // some have many empty files
		files[0] = random(n * 1000)
		all = append(all, submit(t, v, []string{channel, "Nice"}[n/12], random(1+n*n), files...))
	}
	acknowledge(t, v, alice, all[3], all[7])
	all = slices.Concat(all[:3], all[4:7], all[8:])
	whole := contentOf(t, request(t, v, parcel.Request{}))
	for _, r := range []parcel.Request{{}, {Reviewer: fingerprint(alice)}, {Bytes: 1}, {Bytes: 40_000}, {Bytes: 300_000}, {Bytes: 1 << 40}, {Reviewer: fingerprint(alice), Bytes: 100_000}} {
		want := all
		if r.Reviewer != "" {
			want = all[:10]
		}
		for _, limit := range []int{1, 1000, 5000, 8000, 20_000, 64 << 20} {
			if r.Bytes > 0 && limit < 64<<20 {
				continue
			}
			checkParts(t, v, r, limit, texts(want...), whole.leaves)
		}
	}
}

func checkParts(t *testing.T, v *vault.Vault, r parcel.Request, limit int, want []string, leaves [][]byte) {
	t.Helper()
	parts, err := parcel.PartsLimited(ctx, v, r, limit)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for n, after := range parts {
		if n == len(parts)/2 { // the parts from here on are those of a request from here on
			from := r
			from.After = after
			if rest, err := parcel.PartsLimited(ctx, v, from, limit); err != nil || !slices.Equal(rest, parts[n:]) {
				t.Errorf("limit %d: parts from %s on: %v, %v; want %v", limit, after, rest, err, parts[n:])
			}
		}
		part := r
		part.After = after
		plan, err := parcel.PlanLimited(ctx, v, fixedKey(1).secret, part, limit)
		if err != nil {
			t.Fatal(err)
		}
		x, raw := plan.Index(), bytesOf(t, plan)
		c := contentOf(t, raw)
		c.check(t, leaves[:c.index.Since])
		got = append(got, idsIn(c.index)...)
		if x.Left != len(want)-len(got) || plan.Last().String() != got[len(got)-1] || len(x.Submissions) == 0 || (x.After != "") != (n > 0) {
			t.Errorf("limit %d, part %d: %d left, last %s, after %q", limit, n, x.Left, plan.Last(), x.After)
		}
		checkPartSize(t, r, limit, plan, raw)
		if x.Left > 0 && plan.Last() != parts[n+1] {
			t.Errorf("limit %d: Parts cuts after %s, NewPlan after %s", limit, parts[n+1], plan.Last())
		}
	}
	t.Logf("limit %d, %d bytes: %d parcels", limit, r.Bytes, len(parts))
	if len(got) != len(want) || !sameSet(got, want) {
		t.Errorf("limit %d: %d submissions in %d parcels, want %d", limit, len(got), len(parts), len(want))
	}
}

// checkPartSize compares the index with the limit, and the parcel with the bytes
// that were asked for. What it shows of the log is on top of both.
func checkPartSize(t *testing.T, r parcel.Request, limit int, plan *parcel.Plan, raw []byte) {
	t.Helper()
	x := plan.Index()
	want, err := json.Marshal(x)
	rest := strictTar{t, raw}
	rest.next("parcel.note")
	if got := rest.next("index.json"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the index is not the JSON of what it says, %v", err)
	}
	rows, err := json.Marshal(x.Submissions)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) > limit && len(x.Submissions) > 1 {
		t.Errorf("limit %d: an index of %d bytes", limit, len(rows))
	}
	log := int64(4096) // note, the index's head, and the end mark
	for _, f := range x.Files {
		if f.Name != parcel.ProofsName {
			log += 1024 + f.Size
		}
	}
	if over := plan.Size() - log - r.Bytes; r.Bytes > 0 && len(x.Submissions) > 1 && over > r.Bytes/20 {
		t.Errorf("asked for %d bytes, got %d, of which %d are the log's", r.Bytes, plan.Size(), log)
	}
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// After the last submission there is nothing, and that is a parcel too.
func TestAfterTheLast(t *testing.T) {
	v := newVault(t)
	if parts, err := parcel.Parts(ctx, v, parcel.Request{}); err != nil || len(parts) != 1 {
		t.Errorf("of nothing: %v, %v", parts, err)
	}
	id := submit(t, v, "Nice", []byte("e"), []byte("m"))
	batch(t, v)
	p := planned(t, v, parcel.Request{After: id})
	if p.Index().Left != 0 || p.Last() != (vault.ID{}) || p.Index().After != id.String() {
		t.Errorf("%+v, last %s", p.Index(), p.Last())
	}
	c := contentOf(t, bytesOf(t, p))
	c.check(t, nil)
	if len(c.index.Submissions) != 0 {
		t.Errorf("after the last come %q", idsIn(c.index))
	}
	if parts, err := parcel.Parts(ctx, v, parcel.Request{After: id}); err != nil || !slices.Equal(parts, []vault.ID{id}) {
		t.Errorf("after the last: %v, %v", parts, err)
	}
}

// What is not in the log yet is in no parcel, and in no part.
func TestPendingIsNotCarried(t *testing.T) {
	v := newVault(t)
	id := submit(t, v, "Nice", []byte("e"), []byte("m"))
	if x := planned(t, v, parcel.Request{}).Index(); len(x.Submissions) > 0 || x.Size != 0 || x.Left != 0 {
		t.Errorf("before the batch: %+v", x)
	}
	if c := contentOf(t, request(t, v, parcel.Request{})); !sameSet(idsIn(c.index), texts(id)) {
		t.Errorf("Write carries %q", idsIn(c.index))
	}
}
