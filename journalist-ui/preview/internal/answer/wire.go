package answer

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Write sends an answer. It refuses one that Read would refuse.
func Write(w io.Writer, a Answer) error {
	if err := a.check(); err != nil {
		return fmt.Errorf("writing an answer: %w", err)
	}
	bw := bufio.NewWriterSize(w, 1<<16)
	head := []byte{byte(a.Kind), 0, byte(len(a.MediaType))}
	if a.Cut {
		head[1] = 1
	}
	bw.Write(append(head, a.MediaType...))
	switch a.Kind {
	case Text:
		bw.Write(binary.BigEndian.AppendUint32(nil, uint32(len(a.Text))))
		bw.WriteString(a.Text)
	case Image:
		bw.Write(binary.BigEndian.AppendUint16(nil, uint16(len(a.Pages))))
		for _, p := range a.Pages {
			binary.Write(bw, binary.BigEndian, pageHead{p.FullWidth, p.FullHeight, p.Width, p.Height})
			bw.Write(p.RGB)
		}
	case TooLarge:
		binary.Write(bw, binary.BigEndian, [2]uint32{a.Width, a.Height})
	}
	if err := bw.Flush(); err != nil {
		return fmt.Errorf("writing an answer: %w", err)
	}
	return nil
}

type pageHead struct {
	FullWidth, FullHeight uint32
	Width, Height         uint16
}

// Read reads one answer to the end of r. It holds no more memory than the
// answer has sent, up to the limits.
func Read(r io.Reader) (Answer, error) {
	a, err := read(r)
	if err == nil {
		err = a.check()
	}
	if err == nil {
		err = atEnd(r)
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return Answer{}, fmt.Errorf("reading the preview's answer: %w", err)
	}
	return a, nil
}

func read(r io.Reader) (a Answer, err error) {
	var head [3]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return a, err
	}
	if head[1] > 1 {
		return a, fmt.Errorf("cut is %d", head[1])
	}
	a.Kind, a.Cut = Kind(head[0]), head[1] == 1
	media, err := exactly(r, int(head[2]))
	if err != nil {
		return a, err
	}
	a.MediaType = string(media)
	switch a.Kind {
	case Text:
		a.Text, err = readText(r)
	case Image:
		a.Pages, err = readPages(r)
	case TooLarge:
		var size [2]uint32
		err = binary.Read(r, binary.BigEndian, &size)
		a.Width, a.Height = size[0], size[1]
	}
	return a, err
}

func readText(r io.Reader) (string, error) {
	var n uint32
	if err := binary.Read(r, binary.BigEndian, &n); err != nil {
		return "", err
	}
	if n > MaxText {
		return "", fmt.Errorf("text of %d bytes", n)
	}
	text, err := exactly(r, int(n))
	return string(text), err
}

func readPages(r io.Reader) ([]Page, error) {
	var n uint16
	if err := binary.Read(r, binary.BigEndian, &n); err != nil {
		return nil, err
	}
	if n > MaxPages {
		return nil, fmt.Errorf("%d pages", n)
	}
	var pages []Page
	room := MaxPixels
	for range n {
		var h pageHead
		if err := binary.Read(r, binary.BigEndian, &h); err != nil {
			return nil, err
		}
		p := Page{FullWidth: h.FullWidth, FullHeight: h.FullHeight, Width: h.Width, Height: h.Height}
		if err := p.checkSize(&room); err != nil {
			return nil, err
		}
		var err error
		if p.RGB, err = exactly(r, p.size()); err != nil {
			return nil, err
		}
		pages = append(pages, p)
	}
	return pages, nil
}

// exactly reads n bytes, and grows with what comes, not with what was announced.
func exactly(r io.Reader, n int) ([]byte, error) {
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r, int64(n)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func atEnd(r io.Reader) error {
	switch _, err := io.ReadFull(r, make([]byte, 1)); err {
	case io.EOF:
		return nil
	case nil:
		return errors.New("more than one answer")
	default:
		return err
	}
}
