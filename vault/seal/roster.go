package seal

import (
	"crypto"
	"slices"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// A Roster is the certificates that a submission is sealed to.
type Roster []*Certificate

// chunkSize is the AEAD chunk (RFC 9580, section 5.13.2). Smaller ones cost
// memory bandwidth nothing and keep fifty uploads at once small.
const chunkSize = 32 << 10

var (
	suiteGCM = packet.CipherSuite{Cipher: packet.CipherAES256, Mode: packet.AEADModeGCM}
	suiteOCB = packet.CipherSuite{Cipher: packet.CipherAES256, Mode: packet.AEADModeOCB}
)

func config(now time.Time) *packet.Config {
	return &packet.Config{
		DefaultCipher:          packet.CipherAES256,
		DefaultHash:            crypto.SHA512,
		DefaultCompressionAlgo: packet.CompressionNone,
		AEADConfig:             &packet.AEADConfig{DefaultMode: packet.AEADModeGCM, ChunkSize: chunkSize},
		MinRSABits:             minRSABits,
		Time:                   func() time.Time { return now },
	}
}

// suite chooses how payloads are encrypted: SEIPDv2 when every member can read
// it. GCM runs ten times faster than OCB here, so it is taken when all members
// list it; OCB is what RFC 9580, section 9.6 makes everyone implement.
func (r Roster) suite(now time.Time) (suite packet.CipherSuite, v2 bool, err error) {
	suite, v2 = suiteGCM, true
	for _, c := range r {
		sig, err := c.preferences(now)
		if err != nil {
			return suite, false, err
		}
		if !sig.SEIPDv2 {
			v2 = false
		}
		if !slices.Contains(sig.PreferredCipherSuites, [2]uint8{uint8(suiteGCM.Cipher), uint8(suiteGCM.Mode)}) {
			suite = suiteOCB
		}
	}
	return suite, v2, nil
}

// A Loss is a protection that a roster's certificates do not allow.
type Loss string

// The losses, as stable words for programs; the admin's pages explain them.
const (
	LossPadding     Loss = "padding"      // payload lengths tell the exact size
	LossPostQuantum Loss = "post-quantum" // a recorded envelope may be opened by a future quantum computer
	LossSpeed       Loss = "speed"        // sealing costs about ten times more CPU
)

// Losses lists what the admin gives up with this roster, empty for a roster of
// desk-made keys.
func (r Roster) Losses(now time.Time) ([]Loss, error) {
	suite, v2, err := r.suite(now)
	if err != nil {
		return nil, err
	}
	var losses []Loss
	if !v2 {
		losses = append(losses, LossPadding)
	}
	for _, c := range r {
		key, err := c.encryptionKey(now)
		if err != nil {
			return nil, err
		}
		if !key.IsPQ() {
			losses = append(losses, LossPostQuantum)
			break
		}
	}
	if !v2 || suite != suiteGCM {
		losses = append(losses, LossSpeed)
	}
	return losses, nil
}
