package journalist

import (
	"sourdine/journalist-ui/desk"
)

// A written reply is shown with what became of it.
type writtenReply struct {
	Day, Text string
	State     string // a text's id
}

// correspondence reads the replies to a submission.
func correspondence(d *desk.Desk, id string) ([]writtenReply, error) {
	replies, err := d.RepliesTo(id)
	if err != nil {
		return nil, err
	}
	var written []writtenReply
	for _, r := range replies {
		text, err := d.ReplyText(r.Reply)
		if err != nil {
			return nil, err
		}
		written = append(written, writtenReply{Day: r.Day, Text: text, State: "reply_" + string(r.State)})
	}
	return written, nil
}
