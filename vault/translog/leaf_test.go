package translog_test

import (
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sourdine/vault/translog"
)

var (
	v4 = strings.Repeat("A1", 20)
	v6 = strings.Repeat("0F", 32)
)

// The spellings, by hand (FORMAT.md, section 1).
var spellings = []struct {
	leaf translog.Leaf
	text string
}{
	{
		translog.Submission{
			ID: goodID, Channel: `Sainte-Étienne & «fils» <\">`, Day: "2026-11-21", Epoch: 3,
			Recipients: []string{strings.Repeat("0", 64), goodDigest},
			Payloads:   []string{goodDigest, strings.Repeat("a", 64), goodDigest},
		},
		`{"v":1,"kind":"submission","id":"aaaaaaaaaaaaaaaaaaaaaaaaaa","channel":"Sainte-Étienne & «fils» <\\\">","day":"2026-11-21","epoch":3,` +
			`"recipients":["0000000000000000000000000000000000000000000000000000000000000000","e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],` +
			`"payloads":["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]}`,
	},
	{
		translog.Submission{ID: "77777777777777777777777774", Channel: "n", Day: "2024-02-29", Payloads: []string{goodDigest}},
		`{"v":1,"kind":"submission","id":"77777777777777777777777774","channel":"n","day":"2024-02-29","epoch":0,"recipients":[],"payloads":["` + goodDigest + `"]}`,
	},
	{
		translog.Deletion{ID: goodID, Channel: "Nice", Day: "2026-11-21", Reason: translog.ByOrder, By: v6, Order: goodDigest},
		`{"v":1,"kind":"deletion","id":"aaaaaaaaaaaaaaaaaaaaaaaaaa","channel":"Nice","day":"2026-11-21","reason":"order","by":"` + v6 + `","order":"` + goodDigest + `"}`,
	},
	{
		translog.Deletion{ID: goodID, Channel: "Nice", Day: "2026-11-21", Reason: translog.ByRetention},
		`{"v":1,"kind":"deletion","id":"aaaaaaaaaaaaaaaaaaaaaaaaaa","channel":"Nice","day":"2026-11-21","reason":"retention","by":"","order":""}`,
	},
	{
		translog.Deletion{ID: goodID, Channel: "Nice", Day: "2026-11-21", Reason: translog.ByLimit},
		`{"v":1,"kind":"deletion","id":"aaaaaaaaaaaaaaaaaaaaaaaaaa","channel":"Nice","day":"2026-11-21","reason":"limit","by":"","order":""}`,
	},
	{
		translog.Roster{Channel: "Nice", Day: "2026-11-21", Epoch: 2, Members: []translog.Member{{"Zoé, de Nice", v6}, {"", v4}}, SHA256: goodDigest},
		`{"v":1,"kind":"roster","channel":"Nice","day":"2026-11-21","epoch":2,"members":[{"name":"Zoé, de Nice","fingerprint":"` + v6 + `"},{"name":"","fingerprint":"` + v4 + `"}],"sha256":"` + goodDigest + `"}`,
	},
	{
		translog.Roster{Channel: "Nice", Day: "2026-11-21", SHA256: goodDigest},
		`{"v":1,"kind":"roster","channel":"Nice","day":"2026-11-21","epoch":0,"members":[],"sha256":"` + goodDigest + `"}`,
	},
	{
		translog.Policy{Channel: "Nice", Day: "2026-11-21", Retention: 30},
		`{"v":1,"kind":"policy","channel":"Nice","day":"2026-11-21","retention":30,"limit":0}`,
	},
	{
		translog.Restored{Day: "2026-11-21", Size: 812, Mark: goodDigest},
		`{"v":1,"kind":"restored","day":"2026-11-21","size":812,"mark":"` + goodDigest + `"}`,
	},
}

func TestSpellings(t *testing.T) {
	for _, s := range spellings {
		raw, err := translog.Encode(s.leaf)
		if err != nil || string(raw) != s.text {
			t.Errorf("%T is encoded as\n%s, want\n%s, %v", s.leaf, raw, s.text, err)
		}
		leaf, err := translog.Decode([]byte(s.text))
		if err != nil || !reflect.DeepEqual(leaf, s.leaf) {
			t.Errorf("%s\nis decoded as %#v, %v", s.text, leaf, err)
		}
	}
}

// In every spelling that has the first text it is replaced by the second.
func TestOtherSpellingsAreRefused(t *testing.T) {
	for _, r := range [][2]string{
		{`{"v":1`, ` {"v":1`}, {`{"v":1`, `{ "v":1`}, {`{"v":1`, `{"v":2`}, {`{"v":1`, `{"v":1.0`}, {`{"v":1`, `{"v":"1"`}, {`{"v":1,`, `{`},
		{`{"v":1`, `{"V":1`}, {`{"v":1`, `{"v":1,"v":1`}, {`{"v":1,"kind":"policy"`, `{"kind":"policy","v":1`}, {`}`, "}\n"}, {`}`, `}}`}, {`{"v":1`, "\ufeff" + `{"v":1`},
		{`"policy"`, `"Policy"`}, {`"policy"`, `"deletion"`}, {`"policy"`, `""`}, {`"policy"`, `null`}, {`"policy"`, `"submission"`}, {`"deletion"`, `"policy"`},
		{`:30`, `:030`}, {`:30`, `:3e1`}, {`:30`, `:-1`}, {`:30`, `:36501`}, {`:30`, `:9223372036854775808`}, {`:30`, `:"30"`}, {`:30,"limit":0`, `:30`},
		{`"limit":0`, `"limit":0,"more":0`}, {`"limit":0`, `"limit":null`},
		{`Étienne`, `\u00c9tienne`}, {`<`, `\u003c`}, {`&`, `\u0026`}, {`"Nice"`, `"N\u0069ce"`}, {`"Nice"`, `""`}, {`"Nice"`, `"Ni\u0000ce"`}, {`"Nice"`, `"Ni\nce"`},
		{`"Nice"`, "\"Ni\u2028ce\""}, {`"Nice"`, `"Ni\u2028ce"`}, {`"Nice"`, "\"Ni\u202ece\""}, {`"Nice"`, "\"Ni\xffce\""}, {`"Nice"`, "\"Ni\u00a0ce\""}, {`"Nice"`, `"` + strings.Repeat("é", 129) + `"`}, {`"Nice"`, "\"Ni\x7fce\""},
		{`"2026-11-21"`, `"2026-02-30"`}, {`"2026-11-21"`, `"2026-11-21T00:00:00Z"`}, {`"2026-11-21"`, `"26-11-21"`}, {`"2026-11-21"`, `""`}, {`"2026-11-21"`, `"2026-1-21"`}, {`"2026-11-21"`, `"+026-11-21"`},
		{`"epoch":3`, `"epoch":9007199254740992`}, {`"epoch":3`, `"epoch":-1`}, {`"epoch":2`, `"epoch":18446744073709551615`}, {`"epoch":3`, `"epoch":3.5`},
		{goodID, strings.ToUpper(goodID)}, {goodID, goodID[1:]}, {goodID, goodID + "a"}, {goodID, goodID[1:] + "b"}, {goodID, goodID[1:] + "1"}, {goodID, goodID[1:] + "="}, {goodID, "../" + goodID[3:]}, {goodID, "é" + goodID[2:]},
		{`"recipients":[]`, `"recipients":null`}, {`"members":[]`, `"members":null`}, {`"members":[]`, `"members":[{}]`}, {`"members":[]`, `"members":{}`}, {`"recipients":[]`, `"recipients":[""]`},
		{`"` + goodDigest + `"]`, `"` + strings.ToUpper(goodDigest) + `"]`}, {`"` + goodDigest + `"]`, `"` + goodDigest[1:] + `"]`}, {`"` + goodDigest + `"]`, `null]`}, {`"` + goodDigest + `"]`, `"` + goodDigest + `",]`},
		{`["` + strings.Repeat("0", 64), `["` + strings.Repeat("f", 64)}, {`["` + strings.Repeat("0", 64), `["` + goodDigest}, {`"payloads":["` + goodDigest + `"]`, `"payloads":[]`},
		{`"reason":"order"`, `"reason":"retention"`}, {`"reason":"order"`, `"reason":"limit"`}, {`"reason":"order"`, `"reason":""`}, {`"reason":"order"`, `"reason":"Order"`},
		{`"reason":"retention"`, `"reason":"order"`}, {`"reason":"limit"`, `"reason":"order"`},
		{`"by":"` + v6, `"by":"`}, {`"by":"` + v6, `"by":"` + v6[1:]}, {`"by":"` + v6, `"by":"` + strings.ToLower(v6)}, {`"by":"",`, ``}, {`"by":"","order":""`, `"order":"","by":""`},
		{`"order":"` + goodDigest, `"order":"`}, {`"order":"` + goodDigest, `"order":"` + strings.ToUpper(goodDigest)}, {`"by":""`, `"by":"` + v6 + `"`}, {`"order":""`, `"order":"` + goodDigest + `"`},
		{`"fingerprint":"` + v4, `"fingerprint":"` + v6}, {`"fingerprint":"` + v4, `"fingerprint":"` + v4[2:]}, {`"fingerprint":"` + v4, `"fingerprint":"` + strings.ToLower(v4)},
		{`{"name":"",`, `{`}, {`{"name":"",`, `{"name":"` + strings.Repeat("n", 257) + `",`}, {`{"name":"",`, `{"name":"\t",`}, {`Zoé, de Nice`, "Zoe\u200b"},
		{`"sha256":"` + goodDigest, `"sha256":"`}, {`"sha256":"`, `"sha256":"0`},
		{`"size":812`, `"size":-1`}, {`"size":812`, `"size":1099511627776`}, {`"size":812`, `"size":0812`}, {`"mark":"`, `"mark":"0`}, {`"mark":"` + goodDigest, `"mark":"`}, {`"restored"`, `"policy"`},
	} {
		found := false
		for _, s := range spellings {
			other := strings.Replace(s.text, r[0], r[1], 1)
			if other == s.text {
				continue
			}
			found = true
			leaf, err := translog.Decode([]byte(other))
			refused(t, other, err)
			if leaf != nil {
				t.Errorf("%s: an error and a leaf: %#v", other, leaf)
			}
		}
		if !found {
			t.Errorf("no spelling has %s", r[0])
		}
	}
}

func TestTruncatedLeavesAreRefused(t *testing.T) {
	for _, s := range spellings {
		for n := range len(s.text) {
			if _, err := translog.Decode([]byte(s.text[:n])); err == nil {
				t.Fatalf("accepted: %s", s.text[:n])
			}
		}
	}
}

func TestEncodeRefusesWhatDecodeWould(t *testing.T) {
	submission := spellings[0].leaf.(translog.Submission)
	roster := spellings[5].leaf.(translog.Roster)
	for what, leaf := range map[string]translog.Leaf{
		"nothing":          nil,
		"a pointer":        &submission,
		"a nil pointer":    (*translog.Submission)(nil),
		"zero submission":  translog.Submission{},
		"zero deletion":    translog.Deletion{},
		"zero roster":      translog.Roster{},
		"zero policy":      translog.Policy{},
		"zero restored":    translog.Restored{},
		"bad channel":      translog.Policy{Channel: "a\nb", Day: "2026-11-21"},
		"large epoch":      translog.Roster{Channel: "a", Day: "2026-11-21", SHA256: goodDigest, Epoch: math.MaxUint64},
		"many recipients":  with(submission, func(s *translog.Submission) { s.Recipients = digests(1001) }),
		"many payloads":    with(submission, func(s *translog.Submission) { s.Payloads = digests(65_537) }),
		"unsorted":         with(submission, func(s *translog.Submission) { slices.Reverse(s.Recipients) }),
		"recipient twice":  with(submission, func(s *translog.Submission) { s.Recipients = []string{goodDigest, goodDigest} }),
		"member twice":     with(roster, func(r *translog.Roster) { r.Members = append(r.Members, r.Members[0]) }),
		"many members":     with(roster, func(r *translog.Roster) { r.Members = members(1001, "") }),
		"negative policy":  translog.Policy{Channel: "a", Day: "2026-11-21", Limit: -1},
		"unreadable order": translog.Deletion{ID: goodID, Channel: "a", Day: "2026-11-21", Reason: translog.ByOrder, By: v4},
	} {
		raw, err := translog.Encode(leaf)
		refused(t, what, err)
		if raw != nil {
			t.Errorf("%s: an error and %q", what, raw)
		}
	}
}

// with returns a changed copy; lists are copied too.
func with[L translog.Leaf](leaf L, change func(*L)) L {
	if s, ok := any(&leaf).(*translog.Submission); ok {
		s.Recipients, s.Payloads = slices.Clone(s.Recipients), slices.Clone(s.Payloads)
	}
	if r, ok := any(&leaf).(*translog.Roster); ok {
		r.Members = slices.Clone(r.Members)
	}
	change(&leaf)
	return leaf
}

func members(n int, name string) []translog.Member {
	list := make([]translog.Member, n)
	for i, d := range digests(n) {
		list[i] = translog.Member{Name: name, Fingerprint: strings.ToUpper(d)}
	}
	return list
}

func TestLargestLeaves(t *testing.T) {
	long := strings.Repeat(`"`, translog.MaxName) // twice as long when it is escaped
	for _, leaf := range []translog.Leaf{
		translog.Submission{
			ID: goodID, Channel: long, Day: "2026-11-21", Epoch: translog.MaxEpoch,
			Recipients: digests(translog.MaxRecipients), Payloads: digests(translog.MaxPayloads),
		},
		translog.Roster{Channel: long, Day: "2026-11-21", Epoch: translog.MaxEpoch, Members: members(translog.MaxMembers, long), SHA256: goodDigest},
		translog.Roster{Channel: "n", Day: "2026-11-21", Members: members(translog.MaxMembers, strings.Repeat(",", translog.MaxName)), SHA256: goodDigest},
		translog.Policy{Channel: long, Day: "2026-11-21", Retention: translog.MaxDays, Limit: translog.MaxDays},
	} {
		raw, err := translog.Encode(leaf)
		if err != nil || len(raw) > translog.MaxLeaf {
			t.Fatalf("the largest %T: %d bytes, %v", leaf, len(raw), err)
		}
		again, err := translog.Decode(raw)
		if err != nil || !reflect.DeepEqual(again, leaf) {
			t.Errorf("the largest %T of %d bytes comes back as another, %v", leaf, len(raw), err)
		}
	}
}

// A leaf of 8 MiB from a lying server must not take a multiple of that at the
// desk.
func TestHostileLeavesTakeLittleMemory(t *testing.T) {
	fill := func(before, part, after string) string {
		return before + strings.Repeat(part, (translog.MaxLeaf-len(before)-len(after))/len(part)) + after
	}
	for what, raw := range map[string]string{
		"empty members":  fill(`{"v":1,"kind":"roster","members":[{}`, `,{}`, `]}`),
		"empty payloads": fill(`{"v":1,"kind":"submission","payloads":[""`, `,""`, `]}`),
		"depth":          fill(`{"v":1,"kind":"roster","members":`, `[`, ``),
		"a long name":    fill(`{"v":1,"kind":"policy","channel":"`, `n`, `"}`),
		"long escapes":   fill(`{"v":1,"kind":"policy","channel":"`, `\u0000`, `"}`),
		"a long number":  fill(`{"v":1,"kind":"policy","limit":`, `9`, `}`),
		"blanks":         fill(`{"v":1,"kind":"policy"`, ` `, `}`),
		"too large":      fill(`{"v":1,"kind":"policy"`, ` `, `}  `) + strings.Repeat(" ", 64),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := translog.Decode([]byte(raw))
		runtime.ReadMemStats(&after)
		refused(t, what, err)
		if took := after.TotalAlloc - before.TotalAlloc; took > 6*translog.MaxLeaf {
			t.Errorf("%s: %d MiB", what, took>>20)
		}
	}
}

func TestRecipientHash(t *testing.T) {
	// printf %040d 0 | tr 0 A | sha256sum
	const want = "f0a2fb80ac0699075fb6c7b0ee2bcc204a1d909ee3149571216ec9cc1d4b9f8e"
	for _, fingerprint := range []string{strings.Repeat("A", 40), strings.Repeat("a", 40)} {
		if got := translog.RecipientHash(fingerprint); got != want {
			t.Errorf("%s is %s", fingerprint, got)
		}
	}
}

func TestAnyLeafComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		leaf := anyLeaf().Draw(t, "leaf")
		raw, err := translog.Encode(leaf)
		if err != nil {
			t.Fatalf("%#v: %v", leaf, err)
		}
		if strings.ContainsAny(string(raw), "\n\r") {
			t.Fatalf("more than one line: %q", raw)
		}
		again, err := translog.Decode(raw)
		if err != nil || !reflect.DeepEqual(again, leaf) {
			t.Fatalf("%s\ncomes back as %#v, %v", raw, again, err)
		}
	})
}

func anyLeaf() *rapid.Generator[translog.Leaf] {
	digest := rapid.StringMatching(`[0-9a-f]{64}`)
	id := rapid.StringMatching(`[a-z2-7]{25}[aeimquy4]`)
	day := rapid.StringMatching(`20[0-9]{2}-0[1-9]-[12][0-8]`)
	fingerprint := rapid.StringMatching(`[0-9A-F]{40}([0-9A-F]{24})?`)
	name := rapid.StringMatching(`[\pL\pN\pP\pS ]{1,40}`).Filter(func(s string) bool { return len(s) <= translog.MaxName })
	epoch := rapid.Uint64Range(0, translog.MaxEpoch)
	days := rapid.IntRange(0, translog.MaxDays)
	return rapid.Custom(func(t *rapid.T) translog.Leaf {
		channel, on := name.Draw(t, "channel"), day.Draw(t, "day")
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			recipients := rapid.SliceOfDistinct(digest, rapid.ID[string]).Draw(t, "recipients")
			slices.Sort(recipients)
			if len(recipients) == 0 {
				recipients = nil
			}
			return translog.Submission{ID: id.Draw(t, "id"), Channel: channel, Day: on, Epoch: epoch.Draw(t, "epoch"), Recipients: recipients, Payloads: rapid.SliceOfN(digest, 1, 20).Draw(t, "payloads")}
		case 1:
			d := translog.Deletion{ID: id.Draw(t, "id"), Channel: channel, Day: on, Reason: rapid.SampledFrom([]string{"order", "retention", "limit"}).Draw(t, "reason")}
			if d.Reason == translog.ByOrder {
				d.By, d.Order = fingerprint.Draw(t, "by"), digest.Draw(t, "order")
			}
			return d
		case 2:
			r := translog.Roster{Channel: channel, Day: on, Epoch: epoch.Draw(t, "epoch"), SHA256: digest.Draw(t, "sha256")}
			for _, f := range rapid.SliceOfDistinct(fingerprint, rapid.ID[string]).Draw(t, "members") {
				r.Members = append(r.Members, translog.Member{Name: name.Draw(t, "name"), Fingerprint: f})
			}
			return r
		case 3:
			return translog.Restored{Day: on, Size: rapid.Int64Range(0, 1<<40-1).Draw(t, "size"), Mark: digest.Draw(t, "mark")}
		}
		return translog.Policy{Channel: channel, Day: on, Retention: days.Draw(t, "retention"), Limit: days.Draw(t, "limit")}
	})
}
