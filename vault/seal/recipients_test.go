package seal_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

// A member is a key and its certificate.
type member struct {
	key vaulttest.Key
	raw []byte
}

func members(t *testing.T, kinds ...packet.Config) (all []member) {
	t.Helper()
	for _, kind := range kinds {
		key := vaulttest.NewKey(t, kind)
		all = append(all, member{key, key.Certificate(t)})
	}
	return all
}

// sealed returns an envelope to the members, and a payload.
func sealed(t *testing.T, to ...member) (envelope, payload []byte) {
	t.Helper()
	var roster seal.Roster
	for _, m := range to {
		c, err := seal.ParseCertificate(m.raw, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		roster = append(roster, c)
	}
	s, err := seal.New(roster, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := s.Item(&b)
	if err == nil {
		_, err = io.WriteString(w, "bonjour")
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return s.Envelope(), b.Bytes()
}

func holders(t *testing.T, of ...member) (all []seal.Holder) {
	t.Helper()
	for _, m := range of {
		h, err := seal.ReadHolder(m.raw)
		if err != nil || !h.CanBeNamed() {
			t.Fatalf("a holder: %v", err)
		}
		all = append(all, h)
	}
	return all
}

// An envelope names exactly those whom it was sealed to, whatever their keys are.
func TestNamesExactly(t *testing.T) {
	past := vaulttest.X25519
	past.Time, past.KeyLifetimeSecs = func() time.Time { return time.Now().AddDate(-1, 0, 0) }, 60
	for name, all := range map[string][]member{
		"keys of desks":  members(t, vaulttest.PostQuantum, vaulttest.X25519, vaulttest.X25519),
		"with older one": members(t, vaulttest.PostQuantum, vaulttest.V4, vaulttest.V4),
	} {
		envelope, payload := sealed(t, all[0], all[1])
		ids, err := seal.Recipients(envelope)
		if err != nil || len(ids) != 2 {
			t.Fatalf("%s: %v, %v", name, ids, err)
		}
		expired := members(t, past)[0]
		for _, c := range []struct {
			what   string
			ids    []seal.KeyID
			roster []member
			want   bool
		}{
			{"the roster", ids, all[:2], true},
			{"in another order", ids, []member{all[1], all[0]}, true},
			{"and one whose certificate has expired", ids, []member{all[0], all[1], expired}, true},
			{"one too few", ids, all[:3], false},
			{"one too many", ids, all[:1], false},
			{"somebody else", ids, []member{all[0], all[2]}, false},
			{"one twice", append(slices.Clone(ids), ids[0]), all[:2], false},
			{"one hidden", append(slices.Clone(ids), seal.KeyID{}), all[:2], false},
			{"nobody", nil, all[:2], false},
		} {
			if got := seal.NamesExactly(c.ids, holders(t, c.roster...), time.Now()); got != c.want {
				t.Errorf("%s, %s: %v", name, c.what, got)
			}
		}
		if seal.NamesExactly(ids, append(holders(t, all[:2]...), seal.Holder{}), time.Now()) {
			t.Errorf("%s: one whose certificate is damaged was left out", name)
		}
		message := slices.Concat(envelope, payload)
		if !seal.IsMessage(message) || seal.IsMessage(payload) || seal.IsMessage(envelope) || seal.IsMessage(append(message, payload...)) || seal.IsMessage(message[:len(message)-1]) || seal.IsMessage(nil) {
			t.Errorf("%s: a message is not told from what is none", name)
		}
		for _, wrong := range [][]byte{nil, payload, message, envelope[:len(envelope)-1], append(slices.Clone(envelope), 0), make([]byte, seal.MaxEnvelope+1), []byte("bonjour")} {
			if ids, err := seal.Recipients(wrong); !errors.Is(err, seal.ErrForm) {
				t.Errorf("%s: %d bytes: %v, %v", name, len(wrong), ids, err)
			}
		}
	}
}

// Whatever is taken for an envelope can be read again with the same result, and
// nothing makes the reader fail in another way.
func FuzzRecipients(f *testing.F) {
	key := vaulttest.NewKey(f, vaulttest.X25519)
	c, err := seal.ParseCertificate(key.Certificate(f), time.Now())
	if err != nil {
		f.Fatal(err)
	}
	s, err := seal.New(seal.Roster{c}, time.Now())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(s.Envelope())
	f.Add([]byte{0xc1, 0x01, 0x06})
	f.Fuzz(func(t *testing.T, data []byte) {
		ids, err := seal.Recipients(data)
		if (err == nil) != (len(ids) > 0) || err != nil && !errors.Is(err, seal.ErrForm) {
			t.Errorf("%v, %v", ids, err)
		}
		if seal.IsMessage(data) && err == nil {
			t.Error("an envelope and a message at once")
		}
	})
}
