package answer

import (
	"errors"
	"fmt"
	"strings"

	"sourdine/journalist-ui/visible"
)

// check reports what is wrong with an answer, beyond what the layout rules out.
func (a *Answer) check() error {
	if !validMediaType(a.MediaType) {
		return errors.New("media type that is none")
	}
	if a.Cut && a.Kind != Text && a.Kind != Image {
		return errors.New("cut, but nothing is shown")
	}
	switch a.Kind {
	case Text:
		if len(a.Text) > MaxText {
			return fmt.Errorf("text over %d bytes", MaxText)
		}
		if !visible.Is(a.Text) {
			return errors.New("text with hidden characters")
		}
	case Image:
		return checkPages(a.Pages)
	case Other, TooLarge, Damaged:
	default:
		return fmt.Errorf("unknown kind %#x", byte(a.Kind))
	}
	return nil
}

func checkPages(pages []Page) error {
	if len(pages) == 0 || len(pages) > MaxPages {
		return fmt.Errorf("%d pages", len(pages))
	}
	room := MaxPixels
	for _, p := range pages {
		if err := p.checkSize(&room); err != nil {
			return err
		}
		if len(p.RGB) != p.size() {
			return fmt.Errorf("%d bytes for %d × %d pixels", len(p.RGB), p.Width, p.Height)
		}
	}
	return nil
}

// checkSize takes the page's pixels off room.
func (p Page) checkSize(room *int) error {
	if p.Width == 0 || p.Height == 0 || p.Width > MaxWidth || p.Height > MaxHeight {
		return fmt.Errorf("page of %d × %d pixels", p.Width, p.Height)
	}
	if p.FullWidth < uint32(p.Width) || p.FullHeight < uint32(p.Height) {
		return errors.New("page larger than the picture")
	}
	if *room -= int(p.Width) * int(p.Height); *room < 0 {
		return fmt.Errorf("more than %d pixels", MaxPixels)
	}
	return nil
}

func (p Page) size() int { return 3 * int(p.Width) * int(p.Height) }

// validMediaType accepts "type/subtype" of RFC 6838 section 4.2 names, in
// lower case.
func validMediaType(s string) bool {
	major, minor, ok := strings.Cut(s, "/")
	return ok && len(s) <= MaxMedia && validName(major) && validName(minor)
}

func validName(s string) bool {
	const first = "abcdefghijklmnopqrstuvwxyz0123456789"
	return s != "" && strings.Contains(first, s[:1]) && strings.Trim(s, first+"!#$&-^_.+") == ""
}
