# What the service needs of a machine beside code and unit: sourced by scripts/install-service here,
# and on a Pi by what scripts/deploy sent there. Needs root; may be done twice.

state=/var/lib/pi-edge
rule=/etc/udev/rules.d/60-pi-edge-gpio.rules

prepare_machine() {
    make_user
    let_group_use_gpio
    install -d -o pi-edge -g pi-edge -m 2770 "$state" "$state/models"
    mkdir -p /etc/pi-edge
}

make_user() {
    getent group gpio >/dev/null || groupadd --system gpio
    if ! getent passwd pi-edge >/dev/null; then
        useradd --system --user-group --home-dir "$state" --no-create-home \
            --shell /usr/sbin/nologin pi-edge
    fi
    if [ -n "${SUDO_USER:-}" ] && [ "$SUDO_USER" != root ]; then
        usermod --append --groups pi-edge "$SUDO_USER"
    fi
}

let_group_use_gpio() {
    # Raspberry Pi OS has such a rule; Debian on a Raspberry Pi has not.
    if ! grep -qs 'GROUP="gpio"' /etc/udev/rules.d/* /usr/lib/udev/rules.d/* /lib/udev/rules.d/*
    then
        mkdir -p "$(dirname "$rule")"
        echo 'SUBSYSTEM=="gpio", KERNEL=="gpiochip*", GROUP="gpio", MODE="0660"' >"$rule"
        if [ -S /run/udev/control ]; then
            udevadm control --reload
            udevadm trigger --settle --subsystem-match=gpio
        fi
    fi
}
