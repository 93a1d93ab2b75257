// Kstatus says, a line for each object on its standard input (JSON), how tools that wait for objects read it.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

func main() {
	for objects := json.NewDecoder(os.Stdin); ; {
		var object unstructured.Unstructured
		if err := objects.Decode(&object); err == io.EOF {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		read, err := status.Compute(&object)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(read.Status)
	}
}
