;; One contract that does what its message says, and that has no opinion of its own.
;;
;; `execute`, `instantiate`, `migrate` and `sudo`, by the first byte of the message (a request is told by its third byte):
;;
;; | message | what happens |
;; |---|---|
;; | `{"w…`, `{"b…`, `[…` | is asked as a query; the answer is kept under `answer` |
;; | `s` ‖ rest | the value `seen` is kept under `last`; the rest, if any, is asked and kept as above |
;; | `+` ‖ rest | the rest is kept under `reply` |
;; | `n` | the reply that was kept is given, as often as the byte `count` says (it is counted down); then nothing |
;; | `#` ‖ byte | the byte is kept under `count` |
;; | `=` ‖ digit ‖ rest | the rest is kept under `on` ‖ digit |
;; | `W` ‖ key, value lengths (u32 LE) | zeros are kept under a key of zeros |
;; | `R` ‖ key length | a key of zeros is read |
;; | `D` ‖ key length | a key of zeros is removed |
;; | `g`, `p` | gas is burnt for ever; a panic |
;; | `f` ‖ rest | `seen` is kept under `last`; the rest is the result |
;; | `r` | the random of `env` is kept: `env` goes under `env` |
;; | anything else | is the result |
;;
;; `reply`, by the first digit of its id: it is kept under `told` ‖ digit; what is kept under `on` ‖ digit, if anything, is done
;; as if it were the message of `execute`.
;;
;; `query`: requests are asked, and what is in the answer's outer `Ok` is the result; `r` gives what stands under `last`;
;; `w` writes; `g`, `p` as above; anything else is the result.
(module
    (import "env" "db_read" (func $read (param i32) (result i32)))
    (import "env" "db_write" (func $write (param i32 i32)))
    (import "env" "db_remove" (func $remove (param i32)))
    (import "env" "query_chain" (func $ask (param i32) (result i32)))
    (memory 170)
    (data (i32.const 64) "last")
    (data (i32.const 72) "answer")
    (data (i32.const 80) "reply")
    (data (i32.const 88) "count")
    (data (i32.const 96) "env")
    (data (i32.const 104) "told_")
    (data (i32.const 112) "on_")
    (data (i32.const 128) "{\"Ok\":{\"messages\":[],\"attributes\":[],\"events\":[],\"data\":null}}")
    (data (i32.const 512) "{\"Ok\":\"c2Vlbg==\"}")
    (global $top (mut i32) (i32.const 4096))
    (func (export "interface_version_8"))
    (func (export "deallocate") (param i32))
    (func $region (param $offset i32) (param $length i32) (result i32)
        (local $r i32)
        (local.set $r (global.get $top))
        (global.set $top (i32.add (global.get $top) (i32.const 16)))
        (i32.store (local.get $r) (local.get $offset))
        (i32.store offset=4 (local.get $r) (local.get $length))
        (i32.store offset=8 (local.get $r) (local.get $length))
        (local.get $r))
    (func $allocate (export "allocate") (param $length i32) (result i32)
        (local $at i32)
        (local.set $at (global.get $top))
        (global.set $top (i32.add (i32.add (global.get $top) (local.get $length)) (i32.const 16)))
        (call $region (local.get $at) (local.get $length)))
    (func $last (result i32) (call $region (i32.const 64) (i32.const 4)))
    (func $answer (result i32) (call $region (i32.const 72) (i32.const 6)))
    (func $reply (result i32) (call $region (i32.const 80) (i32.const 5)))
    (func $count (result i32) (call $region (i32.const 88) (i32.const 5)))
    (func $environment (result i32) (call $region (i32.const 96) (i32.const 3)))
    (func $told (param $digit i32) (result i32)
        (i32.store8 (i32.const 108) (local.get $digit))
        (call $region (i32.const 104) (i32.const 5)))
    (func $on (param $digit i32) (result i32)
        (i32.store8 (i32.const 114) (local.get $digit))
        (call $region (i32.const 112) (i32.const 3)))
    (func $nothing (result i32) (call $region (i32.const 128) (i32.const 62)))
    (func $seen (result i32) (call $region (i32.const 512) (i32.const 17)))
    (func $byte (param $r i32) (param $at i32) (result i32)
        (i32.load8_u (i32.add (i32.load (local.get $r)) (local.get $at))))
    (func $word (param $r i32) (param $at i32) (result i32)
        (i32.load (i32.add (i32.load (local.get $r)) (local.get $at))))
    (func $length (param $r i32) (result i32) (i32.load offset=8 (local.get $r)))
    ;; What follows the first byte.
    (func $rest (param $r i32) (result i32)
        (call $region
            (i32.add (i32.load (local.get $r)) (i32.const 1))
            (i32.sub (call $length (local.get $r)) (i32.const 1))))
    (func $is_request (param $r i32) (result i32)
        (i32.or (i32.eq (call $byte (local.get $r) (i32.const 0)) (i32.const 91))
            (i32.and (i32.eq (call $byte (local.get $r) (i32.const 0)) (i32.const 123))
                (i32.or (i32.eq (call $byte (local.get $r) (i32.const 2)) (i32.const 119))
                        (i32.eq (call $byte (local.get $r) (i32.const 2)) (i32.const 98))))))
    (func $burn (loop $again (br $again)))
    (func $is (param $r i32) (param $c i32) (result i32)
        (i32.eq (call $byte (local.get $r) (i32.const 0)) (local.get $c)))
    (func $act (param $env i32) (param $info i32) (param $msg i32) (result i32)
        (local $counted i32)
        (if (call $is_request (local.get $msg)) (then
            (call $write (call $answer) (call $ask (local.get $msg)))
            (return (call $nothing))))
        (if (call $is (local.get $msg) (i32.const 115)) (then ;; s
            (call $write (call $last) (call $seen))
            (if (i32.gt_u (call $length (local.get $msg)) (i32.const 1)) (then
                (call $write (call $answer) (call $ask (call $rest (local.get $msg))))))
            (return (call $nothing))))
        (if (call $is (local.get $msg) (i32.const 43)) (then ;; +
            (call $write (call $reply) (call $rest (local.get $msg)))
            (return (call $nothing))))
        (if (call $is (local.get $msg) (i32.const 35)) (then ;; #
            (call $write (call $count) (call $rest (local.get $msg)))
            (return (call $nothing))))
        (if (call $is (local.get $msg) (i32.const 61)) (then ;; =
            (call $write
                (call $on (call $byte (local.get $msg) (i32.const 1)))
                (call $rest (call $rest (local.get $msg))))
            (return (call $nothing))))
        (if (call $is (local.get $msg) (i32.const 110)) (then ;; n
            (local.set $counted (call $read (call $count)))
            (if (i32.eqz (call $byte (local.get $counted) (i32.const 0)))
                (then (return (call $nothing))))
            (i32.store8 (i32.load (local.get $counted))
                (i32.sub (call $byte (local.get $counted) (i32.const 0)) (i32.const 1)))
            (call $write (call $count) (local.get $counted))
            (return (call $read (call $reply)))))
        (if (call $is (local.get $msg) (i32.const 87)) (then ;; W
            (call $write
                (call $region (i32.const 0x400000) (call $word (local.get $msg) (i32.const 1)))
                (call $region (i32.const 0x400000) (call $word (local.get $msg) (i32.const 5))))
            (return (call $nothing))))
        (if (call $is (local.get $msg) (i32.const 82)) (then ;; R
            (drop (call $read
                (call $region (i32.const 0x400000) (call $word (local.get $msg) (i32.const 1)))))
            (return (call $nothing))))
        (if (call $is (local.get $msg) (i32.const 68)) (then ;; D
            (call $remove
                (call $region (i32.const 0x400000) (call $word (local.get $msg) (i32.const 1))))
            (return (call $nothing))))
        (if (call $is (local.get $msg) (i32.const 114)) (then ;; r
            (call $write (call $environment) (local.get $env))
            (return (call $nothing))))
        (if (call $is (local.get $msg) (i32.const 102)) (then ;; f
            (call $write (call $last) (call $seen))
            (return (call $rest (local.get $msg)))))
        (if (call $is (local.get $msg) (i32.const 103)) (then (call $burn))) ;; g
        (if (call $is (local.get $msg) (i32.const 112)) (then (unreachable))) ;; p
        (local.get $msg))
    (export "instantiate" (func $act))
    (export "execute" (func $act))
    (func $as_told (param $env i32) (param $msg i32) (result i32)
        (call $act (local.get $env) (local.get $env) (local.get $msg)))
    (export "migrate" (func $as_told))
    (export "sudo" (func $as_told))
    (func (export "reply") (param $env i32) (param $msg i32) (result i32)
        (local $digit i32) (local $do i32)
        (local.set $digit (call $byte (local.get $msg) (i32.const 6))) ;; {"id":7…
        (call $write (call $told (local.get $digit)) (local.get $msg))
        (local.set $do (call $read (call $on (local.get $digit))))
        (if (i32.eqz (local.get $do)) (then (return (call $nothing))))
        (call $as_told (local.get $env) (local.get $do)))
    (func (export "query") (param $env i32) (param $msg i32) (result i32)
        (local $a i32)
        (if (call $is_request (local.get $msg)) (then
            (local.set $a (call $ask (local.get $msg)))
            (return (call $region
                (i32.add (i32.load (local.get $a)) (i32.const 6))
                (i32.sub (call $length (local.get $a)) (i32.const 7))))))
        (if (call $is (local.get $msg) (i32.const 114)) (then (return (call $read (call $last))))) ;; r
        (if (call $is (local.get $msg) (i32.const 119)) (then (call $write (call $last) (call $last)))) ;; w
        (if (call $is (local.get $msg) (i32.const 103)) (then (call $burn)))
        (if (call $is (local.get $msg) (i32.const 112)) (then (unreachable)))
        (local.get $msg))
)
