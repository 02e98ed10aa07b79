package order_test

import (
	"bytes"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"sourdine/vault/order"
	"sourdine/vault/vaulttest"
)

const badDeletions = "deletions.json is not in the form of an order"

func deletions(ids ...string) (list []order.Deletion) {
	for _, id := range ids {
		list = append(list, order.Deletion{ID: id, Channel: "Nice, Marseille et Toulouse"})
	}
	return list
}

// A signedBoth is an order with deletions, and its reviewer.
type signedBoth struct {
	key vaulttest.Key
	order.Signed
}

func signBoth(t testing.TB, key vaulttest.Key) signedBoth {
	t.Helper()
	s, err := small(t, fingerprintOf(key.Entity)).Sign(smallDeletions("").List, key.Entity, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return signedBoth{key, s}
}

// verify is what a server does.
func (s signedBoth) verify(t testing.TB) ([]order.Deletion, error) {
	t.Helper()
	r, err := order.Verify(s.Return, s.ReturnSignature, s.key.Certificate(t), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return r.VerifyDeletions(s.Deletions, s.DeletionsSignature, s.key.Certificate(t), time.Now())
}

func TestSignedApart(t *testing.T) {
	for name, kind := range kinds {
		s := signBoth(t, vaulttest.NewKey(t, kind))
		want := smallDeletions(fingerprintOf(s.key.Entity))
		if got, err := s.verify(t); err != nil || !slices.Equal(got, want.List) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		r, list, err := s.Open()
		if err != nil || r.Deletions != digest(string(s.Deletions)) || !slices.Equal(list, want.List) {
			t.Errorf("%s: %+v, %+v, %v", name, r, list, err)
		}
		// What others get to see, without the order.
		raw, signature, _ := bytes.Cut(s.Proof(), []byte("\n"))
		d, err := order.VerifyDeletions(raw, signature, s.key.Certificate(t), time.Now())
		if err != nil || !reflect.DeepEqual(d, want) {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
}

// The proof of a deletion says the same whatever else was ordered.
func TestProofSaysNothingElse(t *testing.T) {
	key := vaulttest.NewKey(t, vaulttest.X25519)
	much := signBoth(t, key)
	little, err := (&order.Return{VaultKey: fixedVault(1).public, Reviewer: fingerprintOf(key.Entity), Sequence: 7}).Sign(
		smallDeletions("").List, key.Entity, time.Now())
	if err != nil || !bytes.Equal(little.Deletions, much.Deletions) || bytes.Equal(little.Return, much.Return) {
		t.Errorf("%s, %v", little.Deletions, err)
	}
	sig := parsed(t, much.DeletionsSignature)
	if at := sig.CreationTime; at.After(key.Entity.PrimaryKey.CreationTime) && !at.Equal(at.Truncate(24*time.Hour)) || len(sig.Notations) > 0 {
		t.Errorf("the signature tells %v, %v", at, sig.Notations)
	}
	for _, else1 := range []string{digest(string(much.Return)), ids(5)[0], strings.Repeat("A1", 32), "seen", "acknowledged", "opened", "replies", "envelopes"} {
		if bytes.Contains(much.Proof(), []byte(else1)) {
			t.Errorf("the proof says %q", else1)
		}
	}
}

func TestNothingToDelete(t *testing.T) {
	key := vaulttest.NewKey(t, vaulttest.X25519)
	s, err := small(t, fingerprintOf(key.Entity)).Sign(nil, key.Entity, time.Now())
	if err != nil || s.Deletions != nil || s.DeletionsSignature != nil || s.Proof() != nil {
		t.Fatalf("%+v, %v", s, err)
	}
	if r, list, err := s.Open(); err != nil || r.Deletions != "" || list != nil {
		t.Errorf("%+v, %v, %v", r, list, err)
	}
}

// What does not belong together is refused, by who makes a parcel of it and by
// who reads it.
func TestDeletionsOfAnother(t *testing.T) {
	key, other := vaulttest.NewKey(t, vaulttest.X25519), vaulttest.NewKey(t, vaulttest.X25519)
	const notNamed = "deletions.json is not the one that return.json names"
	const apart = "deletions.json is for another server, of another reviewer or of another number than return.json"
	sound := signBoth(t, key)
	for name, c := range map[string]struct {
		change      func(*signedBoth)
		read, write string
	}{
		"none":       {func(s *signedBoth) { s.Deletions, s.DeletionsSignature = nil, nil }, notNamed, notNamed},
		"others":     {func(s *signedBoth) { s.Deletions = append(bytes.Clone(s.Deletions), ' ') }, notNamed, notNamed},
		"not named":  {func(s *signedBoth) { s.rename(t, "") }, notNamed, notNamed},
		"otherwise":  {func(s *signedBoth) { s.rename(t, digest("")) }, notNamed, notNamed},
		"the order":  {func(s *signedBoth) { s.Deletions = s.Return; s.rename(t, digest(string(s.Return))) }, badDeletions, badDeletions},
		"the number": {func(s *signedBoth) { s.redelete(t, key, func(d *order.Deletions) { d.Sequence-- }) }, apart, apart},
		"the vault": {func(s *signedBoth) {
			s.redelete(t, key, func(d *order.Deletions) { d.VaultKey = fixedVault(2).public })
		}, apart, apart},
		"the reviewer": {func(s *signedBoth) {
			s.redelete(t, other, func(d *order.Deletions) { d.Reviewer = fingerprintOf(other.Entity) })
		}, apart, apart},
		"the signature": {func(s *signedBoth) { s.DeletionsSignature = s.ReturnSignature },
			"deletions.json: " + order.ErrAltered.Error(), ""},
		"another's": {func(s *signedBoth) { s.DeletionsSignature = signBoth(t, other).DeletionsSignature },
			"deletions.json: " + order.ErrOtherKey.Error(), ""},
		"unsigned": {func(s *signedBoth) { s.DeletionsSignature = nil }, "deletions.json: " + notArmor, ""},
	} {
		s := sound
		c.change(&s)
		if _, err := s.verify(t); err == nil || err.Error() != c.read {
			t.Errorf("%s: read: %v", name, err)
		} else {
			checkText(t, name, err)
		}
		if _, _, err := s.Open(); (err == nil) != (c.write == "") || err != nil && err.Error() != c.write {
			t.Errorf("%s: opened: %v", name, err)
		}
	}
	// Neither document is taken for the other, although both are signed.
	if _, err := order.Verify(sound.Deletions, sound.DeletionsSignature, key.Certificate(t), time.Now()); err == nil || err.Error() != badForm {
		t.Errorf("deletions for an order: %v", err)
	}
	if _, err := order.VerifyDeletions(sound.Return, sound.ReturnSignature, key.Certificate(t), time.Now()); err == nil || err.Error() != badDeletions {
		t.Errorf("an order for deletions: %v", err)
	}
}

// rename signs the order with another name for its deletions.
func (s *signedBoth) rename(t testing.TB, sum string) {
	t.Helper()
	r, err := order.Decode(s.Return)
	if err != nil {
		t.Fatal(err)
	}
	r.Deletions = sum
	s.Return = encoded(t, r)
	if s.ReturnSignature, err = order.Sign(s.Return, s.key.Entity, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// redelete has other deletions, which the order names.
func (s *signedBoth) redelete(t testing.TB, by vaulttest.Key, change func(*order.Deletions)) {
	t.Helper()
	d, err := order.DecodeDeletions(s.Deletions)
	if err != nil {
		t.Fatal(err)
	}
	change(d)
	s.Deletions = encoded(t, d)
	if s.DeletionsSignature, err = order.Sign(s.Deletions, by.Entity, time.Now()); err != nil {
		t.Fatal(err)
	}
	s.rename(t, digest(string(s.Deletions)))
}

// What says the same in another spelling is not the same.
func TestOneSpellingOfDeletions(t *testing.T) {
	raw, five := string(encoded(t, smallDeletions(reviewer))), ids(5)
	if _, err := order.DecodeDeletions([]byte(raw)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"a blank":                {`"sequence":7`, `"sequence": 7`},
		"a line break behind":    {`}]}`, "}]}\n"},
		"a second document":      {`}]}`, `}]}{}`},
		"another order":          {`"sequence":7,`, ``},
		"an unknown field":       {`"sequence":7`, `"sequence":7,"seen":1`},
		"an unknown one inside":  {`"channel":`, `"evil":1,"channel":`},
		"no sequence":            {`"sequence":7`, `"sequence":0`},
		"a sequence beyond JSON": {`"sequence":7`, `"sequence":9007199254740992`},
		"an escape":              {`Saint-`, `\u0053aint-`},
		"escapes for pages":      {`<№1>`, `\u003c№1\u003e`},
		"a broken letter":        {`É`, "\xc9"},
		"a control character":    {`Saint-`, `Saint\u0007-`},
		"a channel without name": {`Saint-Étienne <№1> & \"amis\" \\ co`, ``},
		"a long channel":         {`Saint-`, strings.Repeat("é", 128)},
		"an id twice":            {`"deletions":[`, `"deletions":[{"id":"` + five[3] + `","channel":"Nice"},`},
		"ids in another order":   {`"deletions":[`, `"deletions":[{"id":"` + five[4] + `","channel":"Nice"},`},
		"an id in capitals":      {five[3], strings.ToUpper(five[3])},
		"an id that is none":     {five[3], "../../../../../etc/passwd."},
		"nothing":                {raw[strings.Index(raw, `[{`):], `[]}`},
		"null":                   {raw[strings.Index(raw, `[{`):], `null}`},
		"a reviewer in small":    {reviewer, strings.ToLower(reviewer)},
		"no vault's key":         {`"vault":"sourdine/vault/`, `"vault":"evil/vault/`},
		"the words of an order":  {`{"v":1,"vault":`, `{"version":1,"vault_key":`},
	} {
		altered := strings.Replace(raw, change[0], change[1], 1)
		if altered == raw {
			t.Errorf("%s: nothing changed", name)
		}
		if _, err := order.DecodeDeletions([]byte(altered)); err == nil || err.Error() != badDeletions {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := order.DecodeDeletions([]byte(strings.Replace(raw, `"v":1`, `"v":2`, 1)))
	if err == nil || err.Error() != "deletions.json has version 2, this program knows 1" {
		t.Errorf("a version to come: %v", err)
	}
	for n := range raw {
		if _, err := order.DecodeDeletions([]byte(raw[:n])); err == nil {
			t.Errorf("cut to %d bytes: accepted", n)
		}
	}
}

func TestDeletionsTooMany(t *testing.T) {
	many := smallDeletions(reviewer)
	many.List = deletions(ids(order.MaxIDs)...)
	raw := encoded(t, many)
	if got, err := order.DecodeDeletions(raw); err != nil || len(got.List) != order.MaxIDs {
		t.Errorf("the largest: %v", err)
	}
	for name, list := range map[string][]order.Deletion{
		"unsorted": deletions(ids(5)[1], ids(5)[0]), "twice": deletions(ids(5)[1], ids(5)[1]), "none": nil,
		"too many": deletions(ids(order.MaxIDs + 1)...), "a channel of lines": {{ID: ids(5)[0], Channel: "a\nb"}},
	} {
		many.List = list
		if _, err := many.Encode(); err == nil {
			t.Errorf("%s: encoded", name)
		} else {
			checkText(t, name, err)
		}
	}
	many.List = deletions(ids(order.MaxIDs)...)
	for i := range many.List {
		many.List[i].Channel = strings.Repeat("é", 64)
	}
	if _, err := many.Encode(); err == nil || !strings.HasPrefix(err.Error(), "an order takes at most ") {
		t.Errorf("longer than deletions.json may be: %v", err)
	}
	// Millions of empty entries are refused before they take memory.
	head := string(raw[:bytes.Index(raw, []byte("[{"))])
	hostile := head + "[" + strings.Repeat("{},", (order.MaxDeletions-len(head)-100)/3) + "{}]}"
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := order.DecodeDeletions([]byte(hostile))
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; err == nil || took > 6*order.MaxDeletions {
		t.Errorf("%v, %d bytes allocated", err, took)
	}
}

// FuzzDecodeDeletions: what is accepted is written the same, and is no order.
func FuzzDecodeDeletions(f *testing.F) {
	raw := encoded(f, smallDeletions(reviewer))
	f.Add(raw)
	f.Add(encoded(f, small(f, reviewer)))
	f.Add(raw[:len(raw)/2])
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := order.DecodeDeletions(raw)
		if err != nil {
			checkText(t, "deletions", err)
			return
		}
		again, err := d.Encode()
		if err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("accepted, and written as %q, %v", again, err)
		}
		vaultKey, reviewer, err := order.NamesOfDeletions(raw)
		if err != nil || vaultKey != d.VaultKey || reviewer != d.Reviewer {
			t.Fatalf("names %q and %q, %v", vaultKey, reviewer, err)
		}
		if _, err := order.Decode(raw); err == nil {
			t.Fatal("it is an order, too")
		}
	})
}
