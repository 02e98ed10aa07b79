package parse

import (
	"bytes"
	"encoding/binary"
)

// orientation is the Orientation tag of TIFF 6.0 and EXIF: 1 is upright, 2 to 8 are the
// other ways a sheet can lie.
type orientation uint8

const tagOrientation = 0x0112

// directory is what we want to know of the first image file directory of TIFF
// data: nothing else is read, and nothing is kept.
type directory struct {
	turned orientation
	next   uint32 // offset of the second directory, 0 if there is none
}

// readIFD answers an upright single page for everything it does not understand.
func readIFD(b []byte) directory {
	none := directory{turned: 1}
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(b, []byte("II*\x00")):
		order = binary.LittleEndian
	case bytes.HasPrefix(b, []byte("MM\x00*")):
		order = binary.BigEndian
	default:
		return none
	}
	if len(b) < 8 {
		return none
	}
	start := int64(order.Uint32(b[4:]))
	if start+2 > int64(len(b)) {
		return none
	}
	count := int64(order.Uint16(b[start:]))
	entries := b[start+2:]
	if int64(len(entries)) < 12*count {
		return none
	}
	d := none
	for e := entries[:12*count]; len(e) > 0; e = e[12:] {
		// Entry: tag 2, type 2 (3 = SHORT), count 4, value 4.
		if order.Uint16(e) == tagOrientation && order.Uint16(e[2:]) == 3 {
			if v := order.Uint16(e[8:]); v >= 1 && v <= 8 {
				d.turned = orientation(v)
			}
		}
	}
	if rest := entries[12*count:]; len(rest) >= 4 {
		d.next = order.Uint32(rest)
	}
	return d
}

func tiffOrientation(file []byte) orientation { return readIFD(file).turned }

// jpegOrientation looks for an EXIF segment before the picture data (EXIF 2.32,
// section 4.7: marker APP1, "Exif\0\0", then TIFF data).
func jpegOrientation(file []byte) orientation {
	const app1, startOfScan = 0xe1, 0xda
	b := bytes.TrimPrefix(file, []byte{0xff, 0xd8})
	for len(b) >= 4 && b[0] == 0xff && b[1] != startOfScan {
		if b[1] == 0xff { // fill byte
			b = b[1:]
			continue
		}
		n := 2 + int(binary.BigEndian.Uint16(b[2:])) // length counts itself, not the marker
		if n < 4 || n > len(b) {
			break
		}
		if exif, ok := bytes.CutPrefix(b[4:n], []byte("Exif\x00\x00")); ok && b[1] == app1 {
			return readIFD(exif).turned
		}
		b = b[n:]
	}
	return 1
}
