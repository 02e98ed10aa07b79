package unseal

import (
	"bufio"
	"errors"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Open opens the envelope and returns the plaintext of the payload. It returns
// [ErrNotForKey] or [ErrDamaged] where it can tell at once; the reader ends with
// io.EOF or with an error as the package promises, and keeps saying the same
// from then on. Errors of payload itself are passed on.
func (k *Key) Open(envelope []byte, payload io.Reader) (io.Reader, error) {
	session, err := k.Session(envelope)
	if err != nil {
		return nil, err
	}
	return session.Open(payload)
}

// A Session opens the payloads of one envelope.
type Session struct{ key sessionKey }

// Session opens the envelope, once for all its payloads. The errors are
// [ErrNotForKey] and [ErrDamaged].
func (k *Key) Session(envelope []byte) (*Session, error) {
	key, err := k.sessionKey(envelope)
	if err != nil {
		return nil, err
	}
	return &Session{key}, nil
}

// Open returns the plaintext of a payload, as [Key.Open] does.
func (s *Session) Open(payload io.Reader) (io.Reader, error) {
	sealed := &source{r: bufio.NewReaderSize(payload, bufferSize)}
	decrypted, err := s.key.decrypt(sealed)
	if err != nil {
		return nil, sealed.because(damaged("payload"))
	}
	opened := &source{r: decrypted}
	p, err := readPacket(opened, tagLiteral)
	literal, ok := p.(*packet.LiteralData)
	if err != nil || !ok {
		return nil, sealed.because(damaged("payload"))
	}
	return &plaintext{sealed: sealed, decrypted: decrypted, opened: opened, body: literal.Body}, nil
}

const bufferSize = 32 << 10

// decrypt reads the header of the SEIPD packet and sets up its decryption.
func (s sessionKey) decrypt(sealed *source) (io.ReadCloser, error) {
	p, err := readPacket(sealed, tagSEIPD)
	if err != nil {
		return nil, err
	}
	seipd, ok := p.(*packet.SymmetricallyEncrypted)
	if !ok || !seipd.IntegrityProtected || seipd.Version != s.version {
		return nil, ErrDamaged
	}
	if s.version == 2 && seipd.Cipher != packet.CipherAES256 {
		return nil, ErrDamaged
	}
	return seipd.Decrypt(packet.CipherAES256, s.key)
}

// because returns why reading failed if it was not the payload's fault.
func (s *source) because(err error) error {
	if cause := s.cut("payload"); cause != nil {
		return cause
	}
	return err
}

// A plaintext is the body of the Literal packet, followed by every check that
// there is.
type plaintext struct {
	sealed    *source // the payload
	decrypted io.ReadCloser
	opened    *source // the packets inside
	body      io.Reader
	err       error
}

func (p *plaintext) Read(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	n, err := p.body.Read(b)
	switch {
	case errors.Is(err, io.EOF):
		p.err = p.end()
	case err != nil:
		p.err = p.sealed.because(damaged("payload"))
	}
	return n, p.err
}

// end reads what follows the literal data, checks the last authentication tag,
// and returns io.EOF if all is well.
func (p *plaintext) end() error {
	if p.opened.err != nil {
		return p.sealed.because(damaged("payload"))
	}
	for {
		next, err := readPacket(p.opened, tagPadding)
		if errors.Is(err, io.EOF) {
			break
		}
		if _, ok := next.(packet.Padding); err != nil || !ok {
			return p.sealed.because(damaged("payload"))
		}
	}
	// Close checks the tag over the whole (RFC 9580, sections 5.13.1, 5.13.2).
	if err := p.decrypted.Close(); err != nil {
		return p.sealed.because(damaged("payload"))
	}
	if err := p.sealed.ended("payload"); err != nil {
		return err
	}
	return io.EOF
}
