package admin

import "fmt"

const (
	littleSpace = 1 << 30 // bytes
	littlePart  = 100     // a hundredth of the disk
)

// spaceProblems warns before uploads fail. Sizes are in bytes; a size of 0 says
// that nothing is known of the disk.
func spaceProblems(free, size uint64) []string {
	if size == 0 || free >= littleSpace && free >= size/littlePart {
		return nil
	}
	return []string{fmt.Sprintf("the disk is nearly full: %d MiB are free, and when there are none sources cannot send anything", free>>20)}
}
