package seal

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

const sessionKeySize = 32 // AES-256

// ErrNoRecipients is returned by [New] for an empty roster: a submission that
// nobody can read must not be accepted.
var ErrNoRecipients = errors.New("the roster has no certificate to seal to")

// A Sealer seals the items of one submission. Its items may be sealed one after
// the other or at the same time; each has its own salt and nonce.
type Sealer struct {
	suite    packet.CipherSuite
	v2       bool
	key      []byte
	config   *packet.Config
	envelope []byte
}

// New picks a session key and encrypts it to every member of the roster, whose
// certificates must still be valid at the time now.
func New(roster Roster, now time.Time) (*Sealer, error) {
	if len(roster) == 0 {
		return nil, ErrNoRecipients
	}
	suite, v2, err := roster.suite(now)
	if err != nil {
		return nil, err
	}
	s := &Sealer{suite: suite, v2: v2, config: config(now), key: make([]byte, sessionKeySize)}
	rand.Read(s.key)
	s.envelope, err = s.seal(roster, now)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Reseal makes a new envelope: it encrypts the session key of an older one to
// every member of the roster, whose certificates must still be valid at the time
// now. The payloads stay as they are; v2 says whether they are SEIPDv2, which the
// packets of the older envelope tell.
func Reseal(roster Roster, sessionKey []byte, v2 bool, now time.Time) (envelope []byte, err error) {
	switch {
	case len(roster) == 0:
		return nil, ErrNoRecipients
	case len(sessionKey) != sessionKeySize:
		return nil, errors.New("the session key is not one of this package")
	}
	s := &Sealer{suite: suiteGCM, v2: v2, config: config(now), key: sessionKey}
	return s.seal(roster, now)
}

func (s *Sealer) seal(roster Roster, now time.Time) ([]byte, error) {
	var b bytes.Buffer
	for _, c := range roster {
		pub, err := c.encryptionKey(now)
		if err != nil {
			return nil, fmt.Errorf("certificate %s: %w", c.Fingerprint(), err)
		}
		if err := packet.SerializeEncryptedKeyAEAD(&b, pub, s.suite.Cipher, s.v2, s.key, s.config); err != nil {
			return nil, fmt.Errorf("failed to encrypt the session key to %s: %w", c.Fingerprint(), err)
		}
	}
	return b.Bytes(), nil
}

// Envelope returns the PKESK packets, one per member of the roster.
func (s *Sealer) Envelope() []byte { return s.envelope }

// Item returns a writer that seals what is written to it and sends the payload
// to w. The payload is whole only after Close returned nil. Writes of 32 KiB and
// more are the cheapest.
func (s *Sealer) Item(w io.Writer) (io.WriteCloser, error) {
	sealed, err := packet.SerializeSymmetricallyEncrypted(w, s.suite.Cipher, s.v2, s.suite, s.key, s.config)
	if err != nil {
		return nil, fmt.Errorf("failed to start a payload: %w", err)
	}
	counter := &countingWriter{w: sealed}
	literal, err := newLiteral(counter)
	if err != nil {
		return nil, err
	}
	return &itemWriter{literal: literal, counter: counter, sealed: sealed, padded: s.v2}, nil
}

type itemWriter struct {
	literal *literalWriter
	counter *countingWriter
	sealed  io.WriteCloser
	padded  bool
}

func (w *itemWriter) Write(p []byte) (int, error) { return w.literal.Write(p) }

// Close ends the literal data, pads up to the size class and writes the last
// authentication tag.
func (w *itemWriter) Close() error {
	if err := w.literal.Close(); err != nil {
		return err
	}
	if w.padded {
		if err := pad(w.counter); err != nil {
			return fmt.Errorf("failed to pad a payload: %w", err)
		}
	}
	if err := w.sealed.Close(); err != nil {
		return fmt.Errorf("failed to end a payload: %w", err)
	}
	return nil
}
