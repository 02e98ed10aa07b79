package order_test

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"sourdine/vault/order"
)

const reviewer = "0123456789ABCDEF0123456789ABCDEF01234567"

const badForm = "return.json is not in the form of an order"

// TestFormat compares with FORMAT.md, section 1, letter by letter.
func TestFormat(t *testing.T) {
	five, key := ids(5), fixedVault(1)
	head := strings.ReplaceAll(checkpoint(t, key, 12), "\n", `\n`)
	want := `{"version":1,"vault_key":"` + key.public + `","reviewer":"` + reviewer + `","sequence":7,"seen":12,"checkpoint":"` + head +
		`","acknowledged":["` + five[0] + `","` + five[1] + `","` + five[2] + `"],"opened":["` + five[1] +
		`"],"deletions":"` + digest("deletions.json") + `","replies":[{"n":1,"mailbox":"` + strings.Repeat("A1", 32) +
		`","size":5,"sha256":"` + digest("hello") + `"},{"n":2,"mailbox":"` + strings.Repeat("A1", 32) + `","size":1048576,"sha256":"` + digest("2") +
		`"}],"envelopes":[{"id":"` + five[0] + `","epoch":4,"size":8,"sha256":"` + digest("envelope") + `"}]}`
	if got := string(encoded(t, small(t, reviewer))); got != want {
		t.Errorf("return.json is\n%s\nwant\n%s", got, want)
	}
	empty := order.Return{VaultKey: key.public, Reviewer: reviewer, Sequence: 1}
	want = `{"version":1,"vault_key":"` + key.public + `","reviewer":"` + reviewer +
		`","sequence":1,"seen":0,"checkpoint":"","acknowledged":[],"opened":[],"deletions":"","replies":[],"envelopes":[]}`
	if got := string(encoded(t, &empty)); got != want {
		t.Errorf("an empty one is\n%s", got)
	}
	// Section 2.
	want = `{"v":1,"vault":"` + key.public + `","reviewer":"` + reviewer + `","sequence":7,"deletions":[{"id":"` + five[3] +
		`","channel":"Saint-Étienne <№1> & \"amis\" \\ co"}]}`
	if got := string(encoded(t, smallDeletions(reviewer))); got != want {
		t.Errorf("deletions.json is\n%s", got)
	}
}

// What says the same in another spelling is not the same order.
func TestOneSpelling(t *testing.T) {
	raw := string(encoded(t, small(t, reviewer)))
	if _, err := order.Decode([]byte(raw)); err != nil {
		t.Fatal(err)
	}
	first := ids(5)[0]
	for name, change := range map[string][2]string{
		"a blank":                   {`"sequence":7`, `"sequence": 7`},
		"a line break behind":       {`}]}`, "}]}\n"},
		"a blank before":            {`{"version"`, ` {"version"`},
		"a second document":         {`}]}`, `}]}{}`},
		"another order of fields":   {`"sequence":7,"seen":12`, `"seen":12,"sequence":7`},
		"in an entry":               {`{"n":1,"mailbox":`, `{"mailbox":`},
		"an unknown field":          {`"sequence":7`, `"sequence":7,"evil":1`},
		"an unknown field inside":   {`{"n":1,`, `{"n":1,"evil":1,`},
		"a field twice":             {`"sequence":7`, `"sequence":7,"sequence":7`},
		"a field in capitals":       {`"sequence"`, `"Sequence"`},
		"a field missing":           {`"sequence":7,`, ``},
		"a list missing":            {`"opened":["` + ids(5)[1] + `"],`, ``},
		"null for a list":           {`"opened":["` + ids(5)[1] + `"]`, `"opened":null`},
		"a number as text":          {`"sequence":7`, `"sequence":"7"`},
		"a fraction":                {`"sequence":7`, `"sequence":7.0`},
		"an exponent":               {`"sequence":7`, `"sequence":7e0`},
		"a negative sequence":       {`"sequence":7`, `"sequence":-7`},
		"no sequence":               {`"sequence":7`, `"sequence":0`},
		"an escape":                 {`sourdine/vault/`, `sour\u0064ine/vault/`},
		"an escaped slash":          {`sourdine/vault/`, `sourdine\/vault\/`},
		"deletions in the order":    {`"` + digest("deletions.json") + `"`, `[{"id":"` + first + `","channel":"Nice"}]`},
		"no deletions":              {`"` + digest("deletions.json") + `"`, `null`},
		"half a digest":             {digest("deletions.json"), digest("deletions.json")[32:]},
		"ids in another order":      {`"acknowledged":["` + first + `",`, `"acknowledged":["` + ids(5)[3] + `",`},
		"an id twice":               {`"` + first + `","` + ids(5)[1] + `"`, `"` + first + `","` + first + `"`},
		"an id in capitals":         {`["` + first, `["` + strings.ToUpper(first)},
		"an id that is none":        {`["` + first, `["../../../../../etc/passwd.`},
		"an id with other bits":     {`["` + first, `["` + first[:25] + "b"},
		"a digest in capitals":      {digest("hello"), strings.ToUpper(digest("hello"))},
		"a short digest":            {digest("hello"), digest("hello")[2:]},
		"a mailbox in small":        {strings.Repeat("A1", 32), strings.Repeat("a1", 32)},
		"a mailbox of v4":           {strings.Repeat("A1", 32), strings.Repeat("A1", 20)},
		"an empty reply":            {`"size":5,`, `"size":0,`},
		"a negative reply":          {`"size":5,`, `"size":-5,`},
		"a reply of over 1 MiB":     {`"size":1048576`, `"size":1048577`},
		"replies from 0":            {`{"n":1,`, `{"n":0,`},
		"replies with a gap":        {`{"n":2,`, `{"n":3,`},
		"a reply twice":             {`{"n":2,`, `{"n":1,`},
		"an epoch of nothing":       {`"epoch":4`, `"epoch":0`},
		"an epoch beyond":           {`"epoch":4`, `"epoch":9007199254740993`},
		"a reviewer in small":       {reviewer, strings.ToLower(reviewer)},
		"a reviewer cut off":        {reviewer, reviewer[1:]},
		"another log size":          {`"seen":12`, `"seen":13`},
		"a negative log":            {`"seen":12`, `"seen":-12`},
		"a checkpoint of nobody":    {`\n12\n`, `\n13\n`},
		"another vault's key":       {fixedVault(1).public, fixedVault(2).public},
		"a key that is no vault's":  {`"vault_key":"sourdine/vault/`, `"vault_key":"evil/vault/`},
		"a key with another hash":   {fixedVault(1).public, strings.Replace(fixedVault(1).public, "+", "+00", 1)},
		"a version to come, inside": {`"version":1`, `"version":1.0`},
	} {
		altered := strings.Replace(raw, change[0], change[1], 1)
		if altered == raw {
			t.Errorf("%s: nothing changed", name)
			continue
		}
		if _, err := order.Decode([]byte(altered)); err == nil || err.Error() != badForm {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, version := range []string{"0", "2", "9999"} {
		_, err := order.Decode([]byte(strings.Replace(raw, `"version":1`, `"version":`+version, 1)))
		if err == nil || err.Error() != "return.json has version "+version+", this program knows 1" {
			t.Errorf("version %s: %v", version, err)
		}
	}
	for _, none := range []string{"", "{}", "[]", "null", "0", `"` + marker, strings.Repeat("[", 1<<20)} {
		if _, err := order.Decode([]byte(none)); err == nil || err.Error() != badForm {
			t.Errorf("%.20q: %v", none, err)
		}
	}
}

// Who makes an order is told what is wrong with it.
func TestEncodeRefuses(t *testing.T) {
	five := ids(5)
	for name, change := range map[string]func(*order.Return){
		"no vault":                 func(r *order.Return) { r.VaultKey = "" },
		"no reviewer":              func(r *order.Return) { r.Reviewer = "" },
		"no sequence":              func(r *order.Return) { r.Sequence = 0 },
		"a sequence beyond JSON":   func(r *order.Return) { r.Sequence = 1 << 53 },
		"a log without checkpoint": func(r *order.Return) { r.Checkpoint = "" },
		"another's checkpoint":     func(r *order.Return) { r.Checkpoint = checkpoint(t, fixedVault(2), 12) },
		"an older checkpoint":      func(r *order.Return) { r.Checkpoint = checkpoint(t, fixedVault(1), 11) },
		"a checkpoint of megabytes": func(r *order.Return) {
			r.Checkpoint += strings.Repeat("— x AAAAAAA=\n", order.MaxCheckpoint/10)
		},
		"unsorted ids":         func(r *order.Return) { r.Opened = order.IDs{five[1], five[0]} },
		"the same id twice":    func(r *order.Return) { r.Acknowledged = order.IDs{five[1], five[1]} },
		"too many ids":         func(r *order.Return) { r.Acknowledged = ids(order.MaxIDs + 1) },
		"no digest":            func(r *order.Return) { r.Deletions = "deletions.json" },
		"an upper-case digest": func(r *order.Return) { r.Deletions = strings.ToUpper(r.Deletions) },
		"an unsorted envelope": func(r *order.Return) { r.Envelopes = envelopes(1, five[1], five[0]) },
		"too many envelopes":   func(r *order.Return) { r.Envelopes = envelopes(1, ids(order.MaxEnvelopes+1)...) },
		"a huge envelope":      func(r *order.Return) { r.Envelopes = envelopes(order.MaxEnvelope+1, five[0]) },
		"too many replies":     func(r *order.Return) { r.Replies = replies(1, order.MaxReplies+1) },
		"too much in all":      func(r *order.Return) { r.Replies = replies(order.MaxReply, order.MaxFiles/order.MaxReply+1) },
	} {
		r := small(t, reviewer)
		change(r)
		_, err := r.Encode()
		if err == nil {
			t.Errorf("%s: encoded", name)
			continue
		}
		checkText(t, name, err)
	}
}

func envelopes(size int64, ids ...string) (list []order.Envelope) {
	for _, id := range ids {
		list = append(list, order.Envelope{ID: id, Epoch: 1, Size: size, SHA256: digest(id)})
	}
	return list
}

func replies(size int64, n int) (list []order.Reply) {
	for i := range n {
		list = append(list, order.Reply{N: i + 1, Mailbox: strings.Repeat("0A", 32), Size: size, SHA256: digest("reply")})
	}
	return list
}

// All lists may be full at once.
func TestLargest(t *testing.T) {
	r := small(t, reviewer)
	r.Acknowledged, r.Opened = ids(order.MaxIDs), ids(order.MaxIDs)
	r.Envelopes = envelopes(12_000, r.Opened[:order.MaxEnvelopes]...)
	r.Replies = replies(12_000, order.MaxReplies)
	raw := encoded(t, r)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := order.Decode(raw)
	runtime.ReadMemStats(&after)
	if err != nil || !bytes.Equal(encoded(t, got), raw) {
		t.Fatalf("the largest order: %v", err)
	}
	t.Logf("return.json takes %d bytes, decoding it allocates %d", len(raw), after.TotalAlloc-before.TotalAlloc)
	if _, err := order.Decode(append(raw, make([]byte, order.MaxReturn)...)); err == nil || err.Error() != badForm {
		t.Errorf("over the limit: %v", err)
	}
}

// Millions of empty entries are refused before they take memory.
func TestHostileCounts(t *testing.T) {
	raw := string(encoded(t, small(t, reviewer)))
	for list, empty := range map[string]string{"acknowledged": `""`, "opened": `"a"`, "replies": "{}", "envelopes": "null"} {
		head := raw[:strings.Index(raw, `"`+list+`":`)]
		count := (order.MaxReturn - len(head) - 100) / (len(empty) + 1)
		hostile := head + `"` + list + `":[` + strings.Repeat(empty+",", count-1) + empty + `]}`
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := order.Decode([]byte(hostile))
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; err == nil || took > 6*order.MaxReturn {
			t.Errorf("%d entries of %s: %v, %d bytes allocated", count, list, err, took)
		}
	}
}

// FuzzDecode: what is accepted is written the same.
func FuzzDecode(f *testing.F) {
	raw := encoded(f, small(f, reviewer))
	f.Add(raw)
	f.Add(encoded(f, &order.Return{VaultKey: fixedVault(1).public, Reviewer: strings.Repeat("AB", 32), Sequence: 1}))
	f.Add(raw[:len(raw)/2])
	f.Add(bytes.Replace(raw, []byte("null"), []byte("[]"), -1))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := order.Decode(raw)
		if err != nil {
			checkText(t, "order", err)
			return
		}
		again, err := r.Encode()
		if err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("accepted, and written as %q, %v", again, err)
		}
		vaultKey, reviewer, err := order.Names(raw)
		if err != nil || vaultKey != r.VaultKey || reviewer != r.Reviewer {
			t.Fatalf("names %q and %q, %v", vaultKey, reviewer, err)
		}
	})
}
