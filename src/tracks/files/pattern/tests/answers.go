// Answers what go.rs, beside this, asks: a byte for each pair on standard input.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"regexp"
)

func answer(pattern, text string) byte {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return 0
	}
	spans := re.FindStringSubmatchIndex(text)
	if spans == nil {
		return 1
	}
	hash := uint32(0x811c9dc5)
	for _, at := range spans {
		if at < 0 {
			at = 255
		}
		hash = (hash ^ uint32(at)) * 0x01000193
	}
	return byte(2 + hash%254)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		var pair [2]string
		if err := json.Unmarshal(lines.Bytes(), &pair); err != nil {
			panic(err)
		}
		out.WriteByte(answer(pair[0], pair[1]))
	}
}
