// almanac tells what the seasons bring.
package main

import (
	"embed"
	"html/template"
	"log"
	"net/http"
	"os"
	"strings"
)

//go:embed pages/*.html
var pages embed.FS

//go:embed data/seasons.csv
var seasons string

type season struct{ Name, Brings string }

func read() (all []season) {
	for _, line := range strings.Split(strings.TrimSpace(seasons), "\n")[1:] {
		name, brings, _ := strings.Cut(line, ",")
		all = append(all, season{name, brings})
	}
	return all
}

func main() {
	view := template.Must(template.ParseFS(pages, "pages/*.html"))
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		if err := view.ExecuteTemplate(w, "index.html", read()); err != nil {
			log.Print(err)
		}
	})
	http.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("fine")) })
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
