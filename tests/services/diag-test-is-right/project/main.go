package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		age, _ := strconv.Atoi(r.URL.Query().Get("age"))
		fmt.Fprint(w, Fare(age))
	})
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
