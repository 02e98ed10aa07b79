package order

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

const (
	// MaxSignature is the largest signature of an order, in bytes. That of a
	// desk's key takes 4.8 kB.
	MaxSignature = 32 << 10

	armorBegin = "-----BEGIN PGP SIGNATURE-----\n"
	armorEnd   = "\n-----END PGP SIGNATURE-----\n"

	maxArmorLine = 76 // characters, RFC 9580, section 6.2
)

// enarmor adds the checksum to signatures of v4 keys only: RFC 9580, section
// 6.1 wants none around v6 packets, and older programs want one.
func enarmor(packet []byte, version int) ([]byte, error) {
	var b bytes.Buffer
	w, err := armor.EncodeWithChecksumOption(&b, openpgp.SignatureType, nil, version < 6)
	if err == nil {
		_, err = w.Write(packet)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("failed to armor a signature: %w", err)
	}
	return append(b.Bytes(), '\n'), nil
}

// dearmor takes exactly one block with nothing before, behind or beside it.
// Armor headers are refused: nobody signs what stands in them. The checksum is
// passed over, as RFC 9580, section 6.1 wants it.
func dearmor(armored []byte) ([]byte, error) {
	if len(armored) > MaxSignature {
		return nil, errArmor
	}
	text := string(armored)
	if strings.Count(text, strings.TrimSpace(armorBegin)) > 1 {
		return nil, errSeveral
	}
	rest, ok := strings.CutPrefix(text, armorBegin+"\n")
	body, behind, ended := strings.Cut(rest, armorEnd)
	switch {
	case !ok || !ended:
		return nil, errArmor
	case behind != "":
		return nil, errTrailing
	}
	return unbase64(body)
}

func unbase64(body string) ([]byte, error) {
	lines := strings.Split(body, "\n")
	if last := lines[len(lines)-1]; len(last) == 5 && last[0] == '=' {
		if _, err := base64.StdEncoding.DecodeString(last[1:]); err != nil {
			return nil, errArmor
		}
		lines = lines[:len(lines)-1]
	}
	for _, line := range lines {
		if line == "" || len(line) > maxArmorLine || strings.Contains(line, "\r") { // the decoder would skip it
			return nil, errArmor
		}
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.Join(lines, ""))
	if err != nil {
		return nil, errArmor
	}
	return raw, nil
}
