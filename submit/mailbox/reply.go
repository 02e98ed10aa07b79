package mailbox

import "unicode/utf8"

// MaxReply is the longest reply, in bytes of UTF-8.
const MaxReply = 64 << 10

// OpenReply decrypts what a reviewer wrote, or returns [ErrLocked]. It comes from
// a person who is trusted little here: text to show, and nothing else.
func (k Key) OpenReply(sealed []byte) (string, error) {
	plain, err := k.open(sealed, MaxReply)
	if err != nil || !utf8.Valid(plain) {
		return "", ErrLocked
	}
	return string(plain), nil
}
