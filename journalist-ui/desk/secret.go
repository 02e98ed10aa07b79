package desk

import (
	"bytes"
	"fmt"
	"io"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"sourdine/vault/seal"
)

const (
	maxSecret  = 1 << 10  // bytes of plaintext: what secretFor is meant for
	maxMessage = 64 << 10 // bytes of such a message
)

// secretFor seals a small secret of the desk to its own reviewer, as an ordinary
// OpenPGP message. One thing is locked with the passphrase, the key; all else is
// sealed to the key.
func secretFor(e *openpgp.Entity, secret []byte) ([]byte, error) {
	var public bytes.Buffer
	if err := e.Serialize(&public); err != nil {
		return nil, fmt.Errorf("failed to write the certificate: %w", err)
	}
	now := time.Now()
	certificate, err := seal.ParseCertificate(public.Bytes(), now)
	if err != nil {
		return nil, fmt.Errorf("the new certificate is not usable: %w", err)
	}
	sealer, err := seal.New(seal.Roster{certificate}, now)
	if err != nil {
		return nil, fmt.Errorf("failed to seal a secret: %w", err)
	}
	message := bytes.NewBuffer(bytes.Clone(sealer.Envelope()))
	w, err := sealer.Item(message)
	if err == nil {
		err = writeAndClose(w, secret)
	}
	if err != nil {
		return nil, fmt.Errorf("failed to seal a secret: %w", err)
	}
	return message.Bytes(), nil
}

func writeAndClose(w io.WriteCloser, b []byte) error {
	if _, err := w.Write(b); err != nil {
		return err
	}
	return w.Close()
}
