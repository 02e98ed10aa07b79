package order

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// Encode returns return.json in its one spelling. Lists that are nil become
// empty ones; nothing is sorted.
func (r *Return) Encode() ([]byte, error) {
	o := *r
	o.Version = Version
	o.Acknowledged, o.Opened = orEmpty(o.Acknowledged), orEmpty(o.Opened)
	o.Replies, o.Envelopes = orEmpty(o.Replies), orEmpty(o.Envelopes)
	return encode(&o, MaxReturn)
}

func encode(o interface{ check() error }, limit int) ([]byte, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	raw, err := canonical(o)
	if err != nil {
		return nil, fmt.Errorf("failed to encode an order: %w", err)
	}
	if len(raw) > limit {
		return nil, fmt.Errorf("an order takes at most %d bytes", limit)
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
func Decode(raw []byte) (*Return, error) { return decode[Return](raw, returnForm) }

// decode takes what is written back as the same bytes, and nothing else.
func decode[D any, P interface {
	*D
	Encode() ([]byte, error)
}](raw []byte, f form) (P, error) {
	if _, _, err := f.names(raw); err != nil {
		return nil, err
	}
	d := P(new(D))
	// The decoder's own error may quote the file.
	if err := json.Unmarshal(raw, d); err != nil {
		return nil, f.refusal()
	}
	again, err := d.Encode()
	if err != nil || !bytes.Equal(raw, again) {
		return nil, f.refusal()
	}
	return d, nil
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
		return errEntry
	}
	return check()
}
