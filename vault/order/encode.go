package order

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"sourdine/vault/translog"
)

// Encode returns return.json in its one spelling. Lists that are nil become
// empty ones; nothing is sorted.
func (r *Return) Encode() ([]byte, error) {
	o := *r
	o.Version = Version
	o.Acknowledged, o.Opened = orEmpty(o.Acknowledged), orEmpty(o.Opened)
	o.Deletions, o.Replies, o.Envelopes = orEmpty(o.Deletions), orEmpty(o.Replies), orEmpty(o.Envelopes)
	if err := o.check(); err != nil {
		return nil, err
	}
	raw, err := canonical(&o)
	if err != nil {
		return nil, fmt.Errorf("failed to encode an order: %w", err)
	}
	if len(raw) > MaxReturn {
		return nil, fmt.Errorf("an order takes at most %d bytes", MaxReturn)
	}
	return raw, nil
}

func orEmpty[S ~[]E, E any](list S) S {
	if list == nil {
		return S{}
	}
	return list
}

// canonical is JSON without blanks and line breaks, the fields in the order of
// the type. The texts that check lets through need no escapes but \" \\ \n.
func canonical(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Decode reads return.json. It verifies no signature: see [Verify].
func Decode(raw []byte) (*Return, error) {
	if _, _, err := Names(raw); err != nil {
		return nil, err
	}
	var r Return
	// The decoder's own error may quote the file.
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, errForm
	}
	again, err := r.Encode()
	if err != nil || !bytes.Equal(raw, again) {
		return nil, errForm
	}
	return &r, nil
}

var (
	headForm    = regexp.MustCompile(`^\{"version":1,"vault_key":"([^"\\]{1,128})","reviewer":"([0-9A-F]{1,64})",`)
	versionForm = regexp.MustCompile(`^\{"version":([0-9]{1,4}),`)
)

// maxHead is more than the first three fields of return.json take, in bytes.
const maxHead = 512

// Names returns which server and which reviewer return.json names, read off
// its first bytes: who calls it learns whose certificate to verify with, and has
// verified nothing.
func Names(raw []byte) (vaultKey, reviewer string, err error) {
	if len(raw) > MaxReturn {
		return "", "", errForm
	}
	head := raw[:min(len(raw), maxHead)]
	if m := versionForm.FindSubmatch(head); m != nil && string(m[1]) != fmt.Sprint(Version) {
		return "", "", fmt.Errorf("return.json has version %s, this program knows %d", m[1], Version)
	}
	m := headForm.FindSubmatch(head)
	if m == nil || !fingerprintForm.Match(m[2]) {
		return "", "", errForm
	}
	if _, err := translog.Origin(string(m[1])); err != nil {
		return "", "", errForm
	}
	return string(m[1]), string(m[2]), nil
}

// idLength is what one id takes in a list, with its quotes and a comma.
const idLength = len(`"aaaaaaaaaaaaaaaaaaaaaaaaaa",`)

// UnmarshalJSON cuts the list's one spelling by its length: a list of empty texts
// would otherwise take ten times its size in memory before anyone looks at it.
func (ids *IDs) UnmarshalJSON(raw []byte) error {
	*ids = IDs{}
	if string(raw) == "[]" {
		return nil
	}
	if len(raw)%idLength != 1 || len(raw)/idLength > MaxIDs {
		return errIDs
	}
	list := make(IDs, 0, len(raw)/idLength)
	for row := range slices.Chunk(raw[1:], idLength) {
		if row[0] != '"' || row[idLength-2] != '"' {
			return errIDs
		}
		list = append(list, string(row[1:idLength-2]))
	}
	*ids = list
	return nil
}

// The entries refuse early, each as it is read, for the same reason.

// UnmarshalJSON reads a deletion.
func (d *Deletion) UnmarshalJSON(raw []byte) error {
	type plain Deletion
	return early(raw, (*plain)(d), d.check)
}

// UnmarshalJSON reads a reply.
func (p *Reply) UnmarshalJSON(raw []byte) error {
	type plain Reply
	return early(raw, (*plain)(p), p.check)
}

// UnmarshalJSON reads an envelope.
func (e *Envelope) UnmarshalJSON(raw []byte) error {
	type plain Envelope
	return early(raw, (*plain)(e), e.check)
}

func early(raw []byte, into any, check func() error) error {
	if err := json.Unmarshal(raw, into); err != nil {
		return errForm
	}
	return check()
}
