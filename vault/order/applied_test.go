package order_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"sourdine/vault/order"
)

func receipt() *order.Applied {
	five := ids(5)
	return &order.Applied{
		VaultKey: fixedVault(1).public, Reviewer: reviewer, Sequence: 7, Order: digest("return.json"),
		Done: order.Done{Acknowledged: 3, Opened: 2, Deleted: 1, Replies: 9, Envelopes: 4, Refused: 5, Refusals: []order.Refusal{
			{List: order.ListAcknowledged, ID: five[4], Reason: order.ReasonUnknown},
			{List: order.ListDeletions, ID: five[0], Reason: order.ReasonRole},
			{List: order.ListReplies, ID: "2", Reason: order.ReasonFull},
			{List: order.ListReplies, ID: "10", Reason: order.ReasonUnknown},
			{List: order.ListEnvelopes, ID: five[0], Reason: order.ReasonEpoch},
		}},
	}
}

func signedReceipt(t testing.TB, a *order.Applied) []byte {
	t.Helper()
	signed, err := a.Sign(fixedVault(1).secret)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestReceipt(t *testing.T) {
	for name, a := range map[string]*order.Applied{
		"full": receipt(),
		"nothing done": {VaultKey: fixedVault(1).public, Reviewer: strings.Repeat("AB", 32), Sequence: 1, Order: digest(""),
			Done: order.Done{Refusals: []order.Refusal{}}},
	} {
		signed := signedReceipt(t, a)
		got, err := order.OpenApplied(signed, fixedVault(1).public)
		if err != nil || !reflect.DeepEqual(got, a) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if !bytes.Equal(signedReceipt(t, a), signed) {
			t.Errorf("%s: signed in two ways", name)
		}
	}
	text := string(signedReceipt(t, receipt()))
	want := "sourdine/applied/v1\n" + fixedVault(1).public + "\n" + reviewer + "\n7\n" + digest("return.json") + "\n" +
		`{"acknowledged":3,"opened":2,"deleted":1,"replies":9,"envelopes":4,"refused":5,"refusals":[{"list":"acknowledged","id":"`
	if !strings.HasPrefix(text, want) {
		t.Errorf("the receipt is\n%s", text)
	}
}

// A receipt of everything refused still fits.
func TestManyRefusals(t *testing.T) {
	a := receipt()
	a.Done.Refused, a.Done.Refusals = 200_000, nil
	for _, id := range ids(order.MaxRefusals) {
		a.Done.Refusals = append(a.Done.Refusals, order.Refusal{List: order.ListAcknowledged, ID: id, Reason: order.ReasonRecipients})
	}
	signed := signedReceipt(t, a)
	if got, err := order.OpenApplied(signed, fixedVault(1).public); err != nil || !reflect.DeepEqual(got, a) {
		t.Errorf("%d bytes: %v", len(signed), err)
	}
	if len(signed) > order.MaxApplied*3/4 {
		t.Errorf("%d bytes", len(signed))
	}
}

func TestCompareRefusals(t *testing.T) {
	want := receipt().Done.Refusals
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, order.CompareRefusals)
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

func TestReceiptsThatAreNone(t *testing.T) {
	five := ids(5)
	for name, change := range map[string]func(*order.Applied){
		"no vault":           func(a *order.Applied) { a.VaultKey = "" },
		"another vault":      func(a *order.Applied) { a.VaultKey = fixedVault(2).public },
		"no reviewer":        func(a *order.Applied) { a.Reviewer = "" },
		"no sequence":        func(a *order.Applied) { a.Sequence = 0 },
		"no order":           func(a *order.Applied) { a.Order = "" },
		"negative":           func(a *order.Applied) { a.Done.Opened = -1 },
		"too many":           func(a *order.Applied) { a.Done.Replies = order.MaxReplies + 1 },
		"refusals unlisted":  func(a *order.Applied) { a.Done.Refused++ },
		"refusals uncounted": func(a *order.Applied) { a.Done.Refused-- },
		"unsorted":           func(a *order.Applied) { slices.Reverse(a.Done.Refusals) },
		"twice":              func(a *order.Applied) { a.Done.Refusals[1] = a.Done.Refusals[0] },
		"a list unknown":     func(a *order.Applied) { a.Done.Refusals[0].List = "evil" },
		"a reason unknown":   func(a *order.Applied) { a.Done.Refusals[0].Reason = "evil" },
		"an id for a reply":  func(a *order.Applied) { a.Done.Refusals[3].ID = five[0] },
		"a reply 010":        func(a *order.Applied) { a.Done.Refusals[3].ID = "010" },
		"a reply for an id":  func(a *order.Applied) { a.Done.Refusals[0].ID = "1" },
	} {
		a := receipt()
		change(a)
		_, err := a.Sign(fixedVault(1).secret)
		if err == nil {
			t.Errorf("%s: signed", name)
			continue
		}
		checkText(t, name, err)
	}
	if _, err := receipt().Sign("PRIVATE+KEY+" + marker); err == nil || err.Error() != "the vault's key is damaged" {
		t.Errorf("a damaged key: %v", err)
	}
}

const (
	notReceipt = "the receipt of a return parcel is damaged"
	unsigned   = "the receipt of a return parcel is not signed by the vault's key"
)

// rawReceipt signs any text.
func rawReceipt(t *testing.T, text string, key signingKey) []byte {
	t.Helper()
	signer, err := note.NewSigner(key.secret)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestReceiptsAltered(t *testing.T) {
	key := fixedVault(1)
	signed := signedReceipt(t, receipt())
	text, _, _ := strings.Cut(string(signed), "\n\n")
	text += "\n"
	replaced := func(old, new string) []byte { return rawReceipt(t, strings.Replace(text, old, new, 1), key) }
	for name, c := range map[string]struct {
		signed []byte
		why    string
	}{
		"of another version":   {replaced("/v1", "/v2"), `the receipt of a return parcel is of another version: "sourdine/applied/v2" instead of "sourdine/applied/v1"`},
		"of another kind":      {replaced("sourdine/applied/v1", "sourdine/parcel/v1"), notReceipt},
		"of another vault":     {replaced(key.public, fixedVault(2).public), notReceipt},
		"by another vault":     {rawReceipt(t, text, fixedVault(2)), unsigned},
		"a line more":          {rawReceipt(t, text+"EVIL\n", key), notReceipt},
		"a line less":          {replaced(reviewer+"\n", ""), notReceipt},
		"a sequence of 07":     {replaced("\n7\n", "\n07\n"), notReceipt},
		"a sequence of text":   {replaced("\n7\n", "\nEVIL\n"), notReceipt},
		"an unknown field":     {replaced(`{"ack`, `{"evil":1,"ack`), notReceipt},
		"a blank":              {replaced(`{"ack`, `{ "ack`), notReceipt},
		"null":                 {replaced(`{"acknowledged":3`, `{"acknowledged":null`), notReceipt},
		"empty":                {nil, unsigned},
		"text":                 {[]byte(marker), unsigned},
		"without signature":    {[]byte(text + "\n"), unsigned},
		"of 2 MiB":             {append(bytes.Clone(signed), bytes.Repeat([]byte("— x AAAAAAA=\n"), 160_000)...), notReceipt},
		"with a damaged trail": {append(bytes.Clone(signed), marker...), unsigned},
	} {
		if _, err := order.OpenApplied(c.signed, key.public); err == nil || err.Error() != c.why {
			t.Errorf("%s: %v, want %q", name, err, c.why)
		}
	}
	if _, err := order.OpenApplied(signed, marker); err == nil {
		t.Error("opened under no key")
	}
	for at := range signed {
		for _, mask := range []byte{0x01, 0x20, 0x80} {
			altered := bytes.Clone(signed)
			altered[at] ^= mask
			if got, err := order.OpenApplied(altered, key.public); err == nil && !reflect.DeepEqual(got, receipt()) {
				t.Errorf("byte %d altered: %+v", at, got)
			}
		}
		if _, err := order.OpenApplied(signed[:at], key.public); err == nil {
			t.Errorf("cut to %d bytes: accepted", at)
		}
	}
}

// FuzzOpenApplied: what is accepted, the vault would write the same (the note
// package ignores other keys' signatures, so that the text is compared).
func FuzzOpenApplied(f *testing.F) {
	signer, err := note.NewSigner(fixedVault(1).secret)
	if err != nil {
		f.Fatal(err)
	}
	text, _, _ := strings.Cut(string(signedReceipt(f, receipt())), "\n\n")
	f.Add(text + "\n")
	f.Add("sourdine/applied/v2\n")
	f.Add(fmt.Sprintf("sourdine/applied/v1\n%s\n%s\n1\n%s\n{}\n", fixedVault(1).public, reviewer, digest("")))
	f.Fuzz(func(t *testing.T, text string) {
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			return
		}
		a, err := order.OpenApplied(signed, fixedVault(1).public)
		if err != nil {
			checkText(t, "receipt", err)
			return
		}
		if again := signedReceipt(t, a); !bytes.Equal(again, signed) {
			t.Fatalf("accepted %q, and written as %q", signed, again)
		}
	})
}
