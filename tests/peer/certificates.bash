# For tests over TLS; to be sourced. Works in $folder, in a shell of its own.
# certificates NAME...: a CA in ca.pem and ca.key, and for each name NAME.pem and NAME.key of localhost.
certificates() {
  local name key=(-newkey ec -pkeyopt "ec_paramgen_curve:P-256")
  cd "$folder" || return
  openssl req -x509 "${key[@]}" -nodes -keyout ca.key -out ca.pem -days 2 -subj "/CN=Test CA"
  for name; do
    openssl req "${key[@]}" -nodes -keyout "$name.key" -out "$name.csr" -subj "/CN=$name"
    openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out "$name.pem" \
      -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1")
  done
}
